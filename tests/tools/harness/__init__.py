"""What brings the local stack up, deploys into it and takes it down. Standard library only."""
