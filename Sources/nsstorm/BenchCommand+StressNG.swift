import Foundation
import StormKernel

extension BenchCommand {
  /// `stress-ng --umount` with the same number of workers, by its own count of mounts and umounts. Each of its workers is
  /// several processes; on a machine that others use they get more of it than one, so both take turns and the best counts.
  func besideStressNG() throws {
    let program = ["/usr/bin/stress-ng", "/usr/local/bin/stress-ng", "/bin/stress-ng"]
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let program else {
      print(
        "blast beside stress-ng: skipped: stress-ng is not installed (apt-get install stress-ng)")
      return
    }
    let workers = 2
    var theirs = 0.0
    var ours = 0.0
    for _ in 0..<3 {
      guard let cycles = try Self.cyclesPerSecond(of: program, workers: workers) else {
        print("blast beside stress-ng: skipped: its metrics could not be read")
        return
      }
      theirs = max(theirs, cycles)
      let sandbox = try Sandbox.launch()
      defer { try? sandbox.teardown() }
      ours = max(ours, try sandbox.measureBlast(processes: workers).programCyclesPerSecond)
    }
    print(
      "blast beside stress-ng --umount, \(workers) workers: stress-ng \(Int(theirs)), nsstorm \(Int(ours)) mounts "
        + "and umounts a second; ratio \(String(format: "%.2f", ours / theirs)) (aim: more than 1)")
  }

  private static func cyclesPerSecond(of program: String, workers: Int) throws -> Double? {
    let output = Pipe()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["--umount", "\(workers)", "--timeout", "3", "--metrics-brief"]
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return cyclesPerSecond(inMetrics: text)
  }

  /// The column "bogo ops/s (real time)" of the line of the stressor.
  static func cyclesPerSecond(inMetrics text: String) -> Double? {
    for line in text.split(separator: "\n") {
      guard let stressor = line.range(of: " umount ") else { continue }
      let numbers = line[stressor.upperBound...].split(separator: " ").compactMap { Double($0) }
      // bogo ops, real, user and system time, bogo ops/s by real and by CPU time.
      if numbers.count >= 5 { return numbers[4] }
    }
    return nil
  }
}
