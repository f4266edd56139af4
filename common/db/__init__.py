"""PostgreSQL: the pool, migrations, and the memory of requests that makes a participant's calls repeatable."""
