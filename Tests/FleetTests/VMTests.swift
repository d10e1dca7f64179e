import Foundation
import Testing

@testable import StormFleet

/// Real guests, all of one small kernel. QEMU comes with ci/setup.bash, the kernel through apt into the cache.
@Suite(.serialized) struct `guests` {
  static let kernel = "debian:7.1.13"

  /// Runs nsstorm with a time limit.
  private func nsstorm(
    _ arguments: [String], environment: [String: String] = [:], limit: Int = 240
  ) throws -> (status: ProcessPool.End, output: String) {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let log = "\(folder)/log"
      let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      var seen: ProcessPool.End?
      try ProcessPool(width: 1, environment: merged.map { "\($0.key)=\($0.value)" }).run([
        ProcessPool.Job(
          path: try Self.binary(), arguments: arguments, log: log, limitSeconds: limit)
      ]) { (_, end) throws(FleetError) in
        seen = end
        return true
      }
      return (try #require(seen), try String(contentsOfFile: log, encoding: .utf8))
    }
  }

  private static func binary() throws -> String {
    let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for candidate in [runner] + CommandLine.arguments {
      let path = URL(fileURLWithPath: candidate).deletingLastPathComponent()
        .appendingPathComponent("nsstorm").path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw FleetError.damaged(file: "nsstorm", reason: "it was not built beside the tests")
  }

  private static let profiles = [
    "NSSTORM_PROFILES": URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "profiles").path
  ]

  private func vm(_ words: String...) -> [String] {
    ["vm"] + words + ["--kernel", Self.kernel, "--processors", "1"]
  }

  @Test func `a storm in a guest brings back its result and a trace that check reads`() throws {
    try withFolder { folder in
      let run = try nsstorm(
        vm("run", "first-storm", "--steps", "60", "--output", folder), environment: Self.profiles)
      #expect(run.status == .exit(0), "\(run.output)")
      let facts = ResultFacts(
        Array(FileManager.default.contents(atPath: "\(folder)/result.json") ?? Data()))
      #expect(facts?.number(["checks", "answers"]) == 60)
      let trace = try String(contentsOfFile: "\(folder)/trace.jsonl", encoding: .utf8)
      #expect(!trace.contains("announced"))
      let check = try nsstorm(["check", "\(folder)/trace.jsonl"])
      #expect(check.status == .exit(0), "\(check.output)")
    }
  }

  /// A guest in which a process writes to sysrq-trigger while a storm runs.
  @Test(arguments: [("c", "kernel-fault(panic)"), ("o", "vm-lost")])
  func `a guest that falls leaves a trace that ends in a call, and its own outcome`(
    letter: String, word: String
  ) throws {
    try withFolder { folder in
      let run = try nsstorm(
        vm("run", "propagation", "--output", folder, "--append", "nsstorm.fall=\(letter)"),
        environment: Self.profiles)
      let data = try #require(FileManager.default.contents(atPath: "\(folder)/vm.json"))
      let text = String(decoding: data, as: UTF8.self)
      #expect(text.contains("\"word\" : \"\(word)\""), "\(text)\(run.output)")
      #expect(run.status == .exit(letter == "c" ? 2 : 70))
      let trace = try String(contentsOfFile: "\(folder)/trace.jsonl", encoding: .utf8)
      let last = try #require(trace.split(separator: "\n").last)
      #expect(last.hasPrefix("{\"announced\":") || last.hasPrefix("{\"step\":"))
      let check = try nsstorm(["check", "\(folder)/trace.jsonl"])
      #expect(check.output.contains("cut off"), "\(check.output)")
    }
  }

  @Test func `a guest that hangs is silent, and seen from outside`() throws {
    let run = try nsstorm(
      vm("run", "propagation", "--silence-limit", "8", "--append", "nsstorm.fall=h"),
      environment: Self.profiles)
    #expect(run.status == .exit(2), "\(run.output)")
    #expect(run.output.contains("silence: nothing came from the guest for 8 s"))
  }

  @Test func `a machine whose QEMU is killed is lost, which is no verdict on the kernel`() throws {
    let cache = KernelCache(
      folder: KernelCache.defaultFolder(environment: ProcessInfo.processInfo.environment))
    let kernel = try cache.kernel(KernelChoice(Self.kernel) { _ in false }) { _ in }
    var machine = VirtualMachine(
      kernel: kernel,
      image: GuestImage(
        program: try Self.binary(), arguments: ["run", "/profiles/propagation.yaml"],
        profiles: GuestImage.profiles(in: [Self.profiles["NSSTORM_PROFILES"] ?? ""])),
      accelerator: .tcg)
    machine.limits.processors = 1
    let report = try machine.run { event in
      guard case .booted = event else { return }
      for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
        let status = (try? String(contentsOfFile: "/proc/\(name)/status", encoding: .utf8)) ?? ""
        guard let identifier = pid_t(name), status.contains("Name:\tqemu-system"),
          status.contains("PPid:\t\(getpid())\n")
        else { continue }
        kill(identifier, SIGKILL)
      }
    }
    #expect(report.outcome == .lost(reason: "QEMU ended with signal 9 while the command ran"))
    guard case .ill = Sighting(report, .anyDivergence, try BisectionTarget("propagation")) else {
      Issue.record("\(report.outcome)")
      return
    }
  }

  @Test func `a file that is no kernel is a skip, and one that is cut off too`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let image = "\(folder)/bzImage"
      try Data(repeating: 7, count: 100_000).write(to: URL(fileURLWithPath: image))
      let run = try nsstorm(
        ["vm", "run", "first-storm", "--kernel", image, "--boot-limit", "20"],
        environment: Self.profiles)
      #expect(run.status == .exit(4), "\(run.output)")
      let step = try nsstorm(
        [
          "bisect", "step", "--kernel", image, "--boot-limit", "20", "--symptom", "divergence",
          "first-storm",
        ], environment: Self.profiles)
      #expect(step.status == .exit(125), "\(step.output)")
    }
  }

  @Test func `a step of a bisection finds the known issue of this kernel, and not another one`()
    throws
  {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let scenario = "\(folder)/lost.scenario"
      try """
      case lost: an unbindable mount keeps its mark in a copy
      -mkdir /src
      -tmpfs src /src a
      -chg unbindable /src
      ns B
      dump B

      """.write(toFile: scenario, atomically: false, encoding: .utf8)
      func step(_ symptom: String) throws -> ProcessPool.End {
        let run = try nsstorm([
          "bisect", "step", "--kernel", Self.kernel, "--processors", "1", "--symptom", symptom,
          scenario,
        ])
        return run.status
      }
      #expect(try step("known:unbindable-lost-in-namespace-copy") == .exit(1))
      #expect(try step("known:busy-chain-torn-out") == .exit(0))
    }
  }
}
