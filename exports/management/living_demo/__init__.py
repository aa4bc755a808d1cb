"""What makes the demo a living product: tasks, two weeks of history, schedules, mail and SFTP."""
