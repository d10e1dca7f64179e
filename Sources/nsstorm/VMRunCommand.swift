import ArgumentParser
import Foundation
import StormFleet
import StormKernel
import StormPlanning
import StormTrace
import StormVocabulary

/// What `nsstorm run` is told in a guest.
struct StormOptions: ParsableArguments {
  @Option(help: "The seed, hex or decimal; the profile's own by default.")
  var seed: Seed?

  @Option(help: "End after so many steps.")
  var steps: Int?

  @Option(help: "Predict for this kernel release instead of the guest's.")
  var rules: KernelRelease?

  @Flag(help: "Go on after a divergence where the engine can still follow the kernel.")
  var keepGoing = false

  @Flag(help: "Count known issues of the kernel as divergences.")
  var strict = false

  func arguments(profile: String) -> [String] {
    [
      "run", profile, "--record", GuestImage.trace, "--announce", "--json", GuestImage.result,
    ] + words
  }

  /// The options as they are written on a command line.
  var words: [String] {
    var words: [String] = []
    if let seed { words += ["--seed", "\(seed)"] }
    if let steps { words += ["--steps", "\(steps)"] }
    if let rules { words += ["--rules", "\(rules)"] }
    if keepGoing { words.append("--keep-going") }
    if strict { words.append("--strict") }
    return words
  }
}

/// `nsstorm vm run`: a storm on another kernel.
struct VMRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a profile on another kernel, in a virtual machine.",
    discussion: """
      The exit status is that of `nsstorm run` in the guest. Seen from outside: 2 when the guest's kernel \
      panics, shows a fault on its console, or falls silent; 4 when it never boots or needs too long.

      Examples:
        nsstorm vm run first-storm --kernel debian:6.12.107 --seed 7
      """)

  @Argument(help: "The name of a profile, or the path of its file.")
  var profile = "first-storm"

  @Option(help: "debian:6.12.107, debian:6.12 (its newest update), debian:7.3.4-rt, or an image.")
  var kernel: String

  @OptionGroup var storm: StormOptions
  @OptionGroup var options: VMOptions

  @Option(help: "Write the trace to this file while it is recorded.")
  var record: String?

  @Option(help: "Write trace, output, console and result into this folder.")
  var output: String?

  @Flag(help: "Do not keep the trace.")
  var noTrace = false

  func run() throws {
    let library = ProfileLibrary.ofThisProcess
    let loaded = try library.profile(profile)
    do {
      let kernel = try options.kernel(VMOptions.choice(kernel))
      let recorder = try record.map(TraceFile.init)
      let report = try options.boot(
        kernel, arguments: storm.arguments(profile: "/profiles/\(loaded.name).yaml"),
        profiles: try GuestProfiles.all(library, and: profile, as: loaded.name),
        usesFileSystems: loaded.usesFileSystems
      ) { event in
        if case .trace(let bytes) = event { recorder?.add(bytes) }
        VMRendering.show(event)
      }
      recorder?.replace(with: AnnouncementFilter.withoutAnswered(report.trace))
      if let problem = recorder?.problem { VMOptions.say(problem) }
      if let output {
        try VMResultFolder(path: output, keepsTrace: !noTrace).write(
          report, kernel: kernel, profile: loaded.name, seed: storm.seed.map { "\($0)" })
      }
      try VMRendering.finish(report, showsConsole: options.console)
    } catch let error as FleetError {
      throw CommandFailure(status: error.status, message: error.description)
    }
  }
}

/// The profiles that a guest gets.
enum GuestProfiles {
  /// All that the library has, and the one that was asked for, whose path the guest does not have.
  static func all(_ library: ProfileLibrary, and nameOrPath: String, as name: String)
    throws(FleetError) -> [(name: String, content: [UInt8])]
  {
    var profiles = GuestImage.profiles(in: library.folders)
    guard nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") else { return profiles }
    guard let data = FileManager.default.contents(atPath: nameOrPath) else {
      throw .damaged(file: nameOrPath, reason: "it cannot be read")
    }
    profiles.removeAll { $0.name == "\(name).yaml" }
    profiles.append((name: "\(name).yaml", content: Array(data)))
    return profiles
  }
}

/// A trace on the host's disk that grows as the guest makes calls.
final class TraceFile {
  private let handle: FileHandle
  private let path: String
  /// Why the file is not complete.
  private(set) var problem: String?

  init(_ path: String) throws(FleetError) {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw .system(attempt: "write \(path)", reason: "the file cannot be made") }
    self.handle = handle
    self.path = path
  }

  /// Puts the whole trace in its place, as it is once everything has been said.
  func replace(with bytes: [UInt8]) {
    guard problem == nil else { return }
    do {
      try WholeFile.write(bytes, to: path)
    } catch {
      problem = "the trace in \(path) keeps its announcements: \(error)"
    }
  }

  func add(_ bytes: [UInt8]) {
    guard problem == nil else { return }
    do {
      try handle.write(contentsOf: Data(bytes))
    } catch {
      problem = "the trace in \(path) is cut off: \(error.localizedDescription)"
    }
  }
}
