"""An event's dashboard, attendees, scans and blocked seats, for admins."""
