import ArgumentParser
import StormKernel

/// `nsstorm doctor`: what this machine allows, each line good, limited or missing, with what to do.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine allows, and what to do about what it does not.",
    discussion: """
      Starts and ends one small sandbox and changes nothing. Exit code 0 if storms can run here, with \
      or without limits; 77 if something that they cannot do without is missing.

      Examples:
        nsstorm doctor
      """)

  func run() throws {
    let preflight = Preflight.examine()
    let width = preflight.facts.map(\.topic.count).max() ?? 0
    for fact in preflight.facts {
      let level = fact.level.rawValue.padded(to: 7)
      print("\(level)  \(fact.topic.padded(to: width))  \(fact.finding)")
      if let advice = fact.advice, fact.level != .good {
        print(String(repeating: " ", count: 11 + width) + "-> \(advice)")
      }
    }
    let limited = preflight.facts.count { $0.level == .limited }
    switch preflight.level {
    case .good: print("Storms can run here.")
    case .limited: print("Storms can run here, with \(limited) limit\(limited == 1 ? "" : "s").")
    case .missing:
      print("Storms cannot run here: see the lines marked missing.")
      throw ExitStatus.notPermitted.exitCode
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
