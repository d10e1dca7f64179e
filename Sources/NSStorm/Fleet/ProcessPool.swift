import Foundation
import Glibc

/// Runs commands beside each other, a few at a time. All are killed when this process ends.
public struct ProcessPool {
  /// One command of a list.
  public struct Job: Hashable, Sendable {
    public var path: String
    public var arguments: [String]
    /// The file that gets what it prints.
    public var log: String
    /// After this it is killed.
    public var limitSeconds: Int

    public init(path: String, arguments: [String], log: String, limitSeconds: Int) {
      self.path = path
      self.arguments = arguments
      self.log = log
      self.limitSeconds = limitSeconds
    }
  }

  /// How a command ended.
  public enum End: Hashable, Sendable {
    case exit(Int32)
    case signal(Int32)
    case timeLimit
  }

  private final class Running {
    let index: Int
    var process: HostProcess
    let deadline: Double

    init(index: Int, process: consuming HostProcess, deadline: Double) {
      self.index = index
      self.process = process
      self.deadline = deadline
    }
  }

  private let width: Int
  private let environment: [String]

  /// - Parameters:
  ///   - width: commands that run at one time.
  ///   - environment: `NAME=value` lines.
  public init(width: Int, environment: [String]) {
    self.width = max(1, width)
    self.environment = environment
  }

  /// How many guests the machine has room for: no more processors than it has, and no more than half of its free memory.
  public static func width(processors: Int, memoryMebibytes: Int) -> Int {
    let online = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    let available = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
      .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
    return width(
      processors: processors, memoryMebibytes: memoryMebibytes, online: online,
      availableMebibytes: (available ?? 0) / 1024)
  }

  static func width(
    processors: Int, memoryMebibytes: Int, online: Int, availableMebibytes: Int
  ) -> Int {
    max(1, min(online / max(1, processors), availableMebibytes / 2 / max(1, memoryMebibytes)))
  }

  /// Runs all jobs and waits for them. Call it on the main thread: the commands get a death signal when the thread ends.
  ///
  /// - Parameters:
  ///   - wantsEnd: asked all the time; once it is true no further job starts, and those that run get a SIGTERM.
  ///   - began: gets the number of each job when it starts.
  ///   - ended: gets the number of each job and how it ended; returns whether further jobs are to be started.
  public func run(
    _ jobs: [Job], wantsEnd: () -> Bool = { false }, began: (Int) -> Void = { _ in },
    ended: (Int, End) throws(FleetError) -> Bool
  ) throws(FleetError) {
    var next = 0
    var running: [Running] = []
    var goesOn = true
    while (goesOn && next < jobs.count) || !running.isEmpty {
      while goesOn, running.count < width, next < jobs.count {
        running.append(try start(jobs[next], next))
        began(next)
        next += 1
      }
      usleep(50_000)
      if goesOn, wantsEnd() {
        goesOn = false
        for entry in running { entry.process.askToEnd() }
      }
      var remaining: [Running] = []
      var finished: [(Int, End)] = []
      for entry in running {
        if let end = entry.process.poll() {
          switch end {
          case .exit(let code): finished.append((entry.index, .exit(code)))
          case .signal(let number): finished.append((entry.index, .signal(number)))
          }
        } else if MonotonicClock.now >= entry.deadline {
          entry.process.end()
          finished.append((entry.index, .timeLimit))
        } else {
          remaining.append(entry)
        }
      }
      running = remaining
      for (index, end) in finished where try !ended(index, end) { goesOn = false }
    }
  }

  private func start(_ job: Job, _ index: Int) throws(FleetError) -> Running {
    let log = open(job.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard log >= 0 else {
      throw .system(attempt: "write \(job.log)", reason: String(cString: strerror(errno)))
    }
    defer { close(log) }
    let process = try HostProcess.start(
      job.path, job.arguments, environment: environment, descriptors: [(1, log), (2, log)])
    return Running(
      index: index, process: process,
      deadline: MonotonicClock.now + Double(job.limitSeconds))
  }
}
