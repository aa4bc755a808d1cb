"""What is asked of ConnectWise while somebody waits in front of a page."""
