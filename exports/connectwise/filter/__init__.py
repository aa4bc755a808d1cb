"""Conditions as typed, and the filter as ConnectWise is sent it."""
