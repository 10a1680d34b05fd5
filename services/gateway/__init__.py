"""The front door: REST and gRPC outside, gRPC inside."""
