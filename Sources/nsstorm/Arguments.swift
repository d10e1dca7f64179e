public import ArgumentParser
public import StormPlanning
public import StormReproduction
public import StormVocabulary

// How the project's values are read from command lines.

extension Seed: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension KernelRelease: ExpressibleByArgument {
  public init?(argument: String) { self.init(release: argument) }
}

extension ReproducerFormat: ExpressibleByArgument {}
