print("nsstorm")
