"""What every service shares: settings, errors, the bus, the store and telemetry."""
