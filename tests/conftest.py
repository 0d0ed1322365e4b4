"""What every test of this repository may count on."""

pytest_plugins = ("ground.gates", "cluster.fixtures")
