"""What people type: each form refuses what is wrong, beside its field, with what is right."""
