// Storm
