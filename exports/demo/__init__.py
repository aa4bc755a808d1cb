"""The stand-in ConnectWise that demo, tests and benchmarks talk to."""
