"""What runs after what: the steps of workflows."""
