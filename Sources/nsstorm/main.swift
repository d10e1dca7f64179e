import StormKernel

// First of all, before any thread and before Foundation allocates: every worker is a copy of what is here now.
Sandbox.prepare()
NSStorm.launch()
