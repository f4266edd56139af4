"""The inbox of providers' webhooks: checked, stored once, answered at once, processed by a job."""
