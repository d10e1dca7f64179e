import ArgumentParser
import Foundation
import StormPlanning

/// `nsstorm profiles`: which storms there are, and what one of them does.
struct ProfilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profiles",
    abstract: "List the profiles, or explain one.",
    discussion: """
      Examples:
        nsstorm profiles list
        nsstorm profiles show mass-detach
      """,
    subcommands: [List.self, Show.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "One line for each profile.",
      discussion: """
        Examples:
          nsstorm profiles list
        """)

    func run() throws {
      let library = ProfileLibrary.ofThisProcess
      let names = library.names()
      guard !names.isEmpty else {
        throw CommandFailure(
          status: .badInput,
          message: "no profiles found; set NSSTORM_PROFILES to the folder that holds them")
      }
      let width = names.map(\.count).max() ?? 0
      for name in names {
        let profile = try library.profile(name)
        print(name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + profile.summary)
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What a profile provokes, which claim it tests, and all its values.",
      discussion: """
        Examples:
          nsstorm profiles show mass-detach
          nsstorm profiles show ./mine.yaml
        """)

    @Argument(help: "The name of a profile, or the path of its file.")
    var profile: String

    func run() throws {
      print(ProfileDescription(try ProfileLibrary.ofThisProcess.profile(profile)).text)
    }
  }
}

extension ProfileLibrary {
  static var ofThisProcess: ProfileLibrary {
    let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return ProfileLibrary(
      environment: ProcessInfo.processInfo.environment,
      executable: executable ?? CommandLine.arguments[0])
  }

  /// Loads a profile; what is wrong with it ends the command with the documented exit code.
  func profile(_ nameOrPath: String) throws -> Profile {
    do {
      return try load(nameOrPath)
    } catch {
      throw CommandFailure(status: .badInput, message: error.description)
    }
  }
}
