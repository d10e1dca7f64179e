import ArgumentParser
import Foundation
import StormFleet
import StormPlanning

/// `nsstorm vm matrix`: profiles on many kernels, one guest after the other.
struct VMMatrixCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Run profiles on several kernels and show how each went.",
    discussion: """
      Every guest's results go into a folder of their own below --output. A matrix that was interrupted goes on \
      where it was: what is complete there is not run again (--fresh does). Ends with the worst status of all cells.
      """)

  @Argument(help: "Names of profiles, or paths of their files.")
  var profiles: [String] = ["first-storm"]

  @Option(help: "Kernels, with commas between them: 5.10,6.12.107,7.3.4-rt,/path/bzImage.")
  var kernels: String

  @Option(help: "The folder for results.")
  var output = "nsstorm-matrix"

  @Flag(help: "Run what has been run already.")
  var fresh = false

  @OptionGroup var storm: StormOptions
  @OptionGroup var options: VMOptions

  func validate() throws {
    guard !names.isEmpty else { throw ValidationError("--kernels names none") }
  }

  private var names: [String] {
    kernels.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
  }

  func run() throws {
    let library = ProfileLibrary.ofThisProcess
    let loaded = try profiles.map { (argument: $0, name: try library.profile($0).name) }
    let choices: [KernelChoice]
    do {
      choices = try names.map { try VMOptions.choice($0) }
    } catch let error as FleetError {
      throw CommandFailure(status: error.status, message: error.description)
    }
    var matrix = VMMatrix()
    for choice in choices {
      let kernel: BootableKernel
      do {
        kernel = try VMOptions.cache.kernel(choice, say: VMOptions.say)
      } catch {
        VMOptions.say("\(choice): \(error)")
        for profile in loaded { matrix.skip("\(choice)", profile.name, why: "\(error)") }
        continue
      }
      for profile in loaded {
        do {
          matrix.add(try cell(kernel, profile.argument, profile.name, library))
        } catch {
          throw CommandFailure(status: error.status, message: error.description)
        }
        try write(matrix.json(), to: "\(output)/matrix.json")
      }
    }
    print(matrix.text)
    let status = matrix.status
    if status != ExitStatus.agreed.rawValue { throw ExitCode(status) }
  }

  private func cell(
    _ kernel: BootableKernel, _ argument: String, _ name: String, _ library: ProfileLibrary
  ) throws(FleetError) -> VMResultFolder.Summary {
    let place = "\(kernel.label) \(name)\(storm.seed.map { " \($0)" } ?? "")"
    let folder = VMResultFolder(
      path: output + "/" + place.map { "/: ".contains($0) ? "-" : "\($0)" }.joined())
    if !fresh, let summary = folder.summary() { return summary }
    VMOptions.say("\(name) on \(kernel.label)")
    let report = try options.boot(
      kernel, arguments: storm.arguments(profile: "/profiles/\(name).yaml"),
      profiles: try GuestProfiles.all(library, and: argument, as: name)
    ) { event in
      switch event {
      case .booted, .problem, .sign: VMRendering.show(event)
      case .output, .errors, .trace: break
      }
    }
    VMOptions.say("\(name) on \(kernel.label): \(report.outcome)")
    return try folder.write(
      report, kernel: kernel, profile: name, seed: storm.seed.map { "\($0)" })
  }
}

/// Kernels by profiles, and how each went.
struct VMMatrix {
  private var kernels: [String] = []
  private var profiles: [String] = []
  private var words: [String: String] = [:]
  private var cells: [VMResultFolder.Summary] = []
  private var skipped: [Skipped] = []

  private struct Skipped: Codable {
    var kernel: String
    var profile: String
    var why: String
  }

  private struct Document: Codable {
    var version = 1
    var cells: [VMResultFolder.Summary]
    var skipped: [Skipped]
  }

  mutating func add(_ summary: VMResultFolder.Summary) {
    note(summary.kernel, summary.profile, summary.word)
    cells.append(summary)
  }

  mutating func skip(_ kernel: String, _ profile: String, why: String) {
    note(kernel, profile, "skipped")
    skipped.append(Skipped(kernel: kernel, profile: profile, why: why))
  }

  private mutating func note(_ kernel: String, _ profile: String, _ word: String) {
    if !kernels.contains(kernel) { kernels.append(kernel) }
    if !profiles.contains(profile) { profiles.append(profile) }
    words["\(kernel)\n\(profile)"] = word
  }

  /// A row for each kernel, a column for each profile, and the sums.
  var text: String {
    let rows =
      [["kernel"] + profiles]
      + kernels.map { kernel in
        [kernel] + profiles.map { words["\(kernel)\n\($0)"] ?? "-" }
      }
    let widths = (0...profiles.count).map { place in rows.map { $0[place].count }.max() ?? 0 }
    var lines = rows.map { row in
      zip(row, widths).map { column($0, $1 + 2) }.joined()
        .trimmingCharacters(in: .whitespaces)
    }
    let agreed = cells.count { $0.exitStatus == ExitStatus.agreed.rawValue }
    lines.append("\(cells.count) guests, \(agreed) agreed, \(skipped.count) skipped")
    return lines.joined(separator: "\n")
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(Document(cells: cells, skipped: skipped))
  }

  /// The worst of all: a fault of the kernel, a divergence, a failed harness, nothing checked.
  var status: Int32 {
    let seen = cells.map(\.exitStatus)
    let order: [ExitStatus] = [.kernelFault, .diverged, .neverReleased, .harnessFailed]
    for status in order where seen.contains(status.rawValue) { return status.rawValue }
    if let other = seen.first(where: { $0 != 0 && $0 != ExitStatus.nothingChecked.rawValue }) {
      return other
    }
    let allChecked = !seen.isEmpty && seen.allSatisfy { $0 == 0 } && skipped.isEmpty
    return allChecked ? ExitStatus.agreed.rawValue : ExitStatus.nothingChecked.rawValue
  }
}
