"""The spotcheck command: what people run at their desk, one module per verb."""
