"""PostgreSQL: the pool, migrations, and the store of requests that makes a participant's calls repeatable."""
