"""What the command can do, one file each."""
