import ArgumentParser
import Foundation
import StormFleet
import StormPlanning

/// `nsstorm vm matrix`: profiles on many kernels, as many guests at a time as the machine has room for.
struct VMMatrixCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Run profiles on several kernels and show how each went.",
    discussion: """
      Every guest's results go into a folder of their own below --output. A matrix that was interrupted goes on \
      where it was: what is complete there is not run again (--fresh does). Beside the results stand matrix.json, matrix.txt \
      and matrix.html, written anew after each guest. Ends with the worst status of all cells.

      Examples:
        nsstorm vm matrix --kernels 6.12.107,6.18.15,7.3.4 propagation first-storm
      """)

  @Argument(help: "Names of profiles, or paths of their files.")
  var profiles: [String] = ["first-storm"]

  @Option(help: "Kernels, with commas between them: 5.10,6.12.107,7.3.4-rt,/path/bzImage.")
  var kernels: String

  @Option(help: "The folder for results.")
  var output = "nsstorm-matrix"

  @Option(help: "Guests at one time; by default as many as processors and memory allow.")
  var jobs: Int?

  @Flag(help: "Run what has been run already.")
  var fresh = false

  @OptionGroup var storm: StormOptions
  @OptionGroup var options: VMOptions

  func validate() throws {
    guard !names.isEmpty else { throw ValidationError("--kernels names none") }
    if let jobs, !(1...64).contains(jobs) {
      throw ValidationError("--jobs is \(jobs); allowed: 1 to 64")
    }
  }

  private var names: [String] {
    kernels.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
  }

  /// One guest that is to run, or has run.
  private struct Cell {
    var kernel: String
    var argument: String
    var profile: String
    var folder: VMResultFolder
  }

  func run() throws {
    var control = InterruptWatch()
    let library = ProfileLibrary.ofThisProcess
    let loaded = try profiles.map { (argument: $0, name: try library.profile($0).name) }
    do {
      let choices = try names.map { (name) throws(FleetError) in try VMOptions.choice(name) }
      var matrix = VMMatrix()
      var cells: [Cell] = []
      for choice in choices {
        let kernel: BootableKernel
        do throws(FleetError) {
          kernel = try options.kernel(choice)
        } catch {
          VMOptions.say("\(choice): \(error)")
          for profile in loaded { matrix.skip("\(choice)", profile.name, why: "\(error)") }
          continue
        }
        for profile in loaded {
          let cell = Cell(
            kernel: kernel.label, argument: profile.argument, profile: profile.name,
            folder: folder(kernel.label, profile.name))
          if !fresh, let summary = cell.folder.summary() {
            matrix.add(summary)
          } else {
            matrix.expect(cell.kernel, cell.profile)
            cells.append(cell)
          }
        }
      }
      try run(cells, &matrix, wantsEnd: { control.wantsEnd() })
      try keep(matrix)
      print(matrix.text)
      let status = control.wantsEnd() ? ExitStatus.interrupted.rawValue : matrix.status
      if status != ExitStatus.agreed.rawValue { throw ExitCode(status) }
    } catch let error as FleetError {
      throw CommandFailure(status: error.status, message: error.description)
    }
  }

  private func folder(_ kernel: String, _ profile: String) -> VMResultFolder {
    let place = "\(kernel) \(profile)\(storm.seed.map { " \($0)" } ?? "")"
    return VMResultFolder(
      path: output + "/" + place.map { "/: ".contains($0) ? "-" : "\($0)" }.joined())
  }

  private func run(
    _ cells: [Cell], _ matrix: inout VMMatrix, wantsEnd: () -> Bool
  ) throws {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    let width =
      jobs
      ?? ProcessPool.width(
        processors: options.processors, memoryMebibytes: options.memory)
    if !cells.isEmpty { VMOptions.say("\(cells.count) guests, \(width) at a time") }
    var commands: [ProcessPool.Job] = []
    for cell in cells {
      try makeFolder(cell.folder.path)
      commands.append(
        ProcessPool.Job(
          path: program,
          arguments: [
            "vm", "run", cell.argument, "--kernel", cell.kernel, "--output", cell.folder.path,
          ] + storm.words + options.words,
          log: "\(cell.folder.path)/vm.log", limitSeconds: options.timeLimit + 120))
    }
    var seen = matrix
    var problem: (any Error)?
    try ProcessPool(width: width, environment: environment.sorted()).run(
      commands, wantsEnd: wantsEnd,
      began: { VMOptions.say("\(cells[$0].profile) on \(cells[$0].kernel)") },
      ended: { (index, end) throws(FleetError) in
        let cell = cells[index]
        guard let summary = cell.folder.summary() else {
          if end == .exit(ExitStatus.interrupted.rawValue) || end == .signal(SIGTERM) {
            return true
          }
          let log =
            (try? String(contentsOfFile: "\(cell.folder.path)/vm.log", encoding: .utf8)) ?? ""
          let last = log.split(separator: "\n").last.map(String.init) ?? "\(end)"
          VMOptions.say("\(cell.profile) on \(cell.kernel): \(last)")
          seen.fail(cell.kernel, cell.profile, why: last)
          return true
        }
        VMOptions.say("\(cell.profile) on \(cell.kernel): \(summary.outcome)")
        seen.add(summary)
        do { try keep(seen) } catch {
          problem = error
          return false
        }
        return true
      })
    matrix = seen
    if let problem { throw problem }
  }

  private func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try? FileManager.default.removeItem(atPath: "\(path)/\(VMResultFolder.summaryName)")
    } catch {
      throw CommandFailure(
        status: .harnessFailed,
        message: "could not make \(path): \(error.localizedDescription)")
    }
  }

  private func keep(_ matrix: VMMatrix) throws {
    try makeFolder(output)
    try write(matrix.json(), to: "\(output)/matrix.json")
    try write(matrix.text + "\n", to: "\(output)/matrix.txt")
    try write(matrix.html, to: "\(output)/matrix.html")
  }
}
