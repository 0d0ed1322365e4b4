"""Mooring keeps selector-less Kubernetes Services moored to databases outside the cluster."""

__version__ = "0.1.0"
