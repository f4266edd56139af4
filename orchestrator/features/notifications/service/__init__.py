"""What notifications do for their routes and jobs."""
