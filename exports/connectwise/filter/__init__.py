"""Conditions as typed, and the filter as it is sent to ConnectWise."""
