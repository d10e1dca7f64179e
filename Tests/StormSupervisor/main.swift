// A supervisor for the tests that kill: it storms until something ends it. `ready` on standard output says that the
// storm is about to begin. Exit status 2 after a death or a hang of a worker, 70 when the sandbox is lost.

import Glibc
import StormKernel
import StormVocabulary

Sandbox.prepare()
if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "guard" {
  changeSetting(CommandLine.arguments[2])
}
if CommandLine.arguments.dropFirst().first == "trace" { traceWorkItems() }
let supervisor = StormSupervisor(
  seed: CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1)
exit(supervisor.run())

/// Changes a setting and waits to be killed.
func changeSetting(_ path: String) -> Never {
  do {
    let setting = try GuardedSetting(path, to: "1")
    print("ready")
    fflush(nil)
    sleep(60)
    exit(setting.restore() == nil ? 0 : 70)
  } catch {
    print("lost: \(error)")
    exit(70)
  }
}

/// Records work items and waits to be killed.
func traceWorkItems() -> Never {
  do {
    let trace = try WorkItemTrace()
    print("ready")
    fflush(nil)
    sleep(60)
    exit(trace.end() == nil ? 0 : 70)
  } catch {
    print("lost: \(error)")
    exit(70)
  }
}

struct StormSupervisor {
  var seed: UInt64

  func run() -> Int32 {
    do throws(SandboxError) {
      let sandbox = try Sandbox.launch(
        SandboxLimits(workers: 64, programBytes: 16 << 20, callTime: .seconds(3)))
      try PrivilegeReduction.drop()
      _ = try sandbox.perform(.mount(MountCall(target: "/", flags: [.shared])), by: 0)
      for name in Self.names { _ = try sandbox.perform(.mkdir(.path("/" + name)), by: 0) }
      for actor in 1..<Self.actors {
        _ = try sandbox.perform(.unshare(namespace: actor, newUser: actor % 5 == 0), by: 0)
      }
      say("ready")
      return try storm(in: sandbox)
    } catch {
      say("lost: \(error)")
      return 70
    }
  }

  private func storm(in sandbox: Sandbox) throws(SandboxError) -> Int32 {
    var generator = SeededGenerator(seed: seed)
    while true {
      let programs = sandbox.livingActors.map { actor in
        WorkerProgram(
          actor: actor, operations: (0..<200).map { _ in Self.operation(&generator) })
      }
      let outcome = try sandbox.run(programs)
      guard outcome.deaths.isEmpty, outcome.hangs.isEmpty else {
        say("ended: \(outcome.deaths.map(\.description)) \(outcome.hangs.map(\.description))")
        return 2
      }
      guard case .seen = try sandbox.tables(of: sandbox.livingActors) else { return 2 }
    }
  }

  private static let actors = 24
  private static let names = ["a", "b", "c", "d"]

  private static func operation(_ generator: inout SeededGenerator) -> Operation {
    let target = PathArgument.path("/" + names[generator.next(below: names.count)])
    switch generator.next(below: 10) {
    case 0...2: return .mount(MountCall(type: "tmpfs", source: "t", target: target))
    case 3: return .mount(MountCall(source: "/a", target: target, flags: [.bind, .recursive]))
    case 4...7: return .umount2(target, [.detach])
    case 8: return .umount2(target, [])
    default: return .open(target, [.path], generator.next(below: 4))
    }
  }

  private func say(_ text: String) {
    print(text)
    fflush(nil)
  }
}
