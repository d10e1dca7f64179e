import Glibc
import StormKernel
import StormVocabulary
import Testing

/// SIGKILL of any process of the tool at any moment leaves nothing within 10 s.
@Suite(.serialized) struct CleanlinessTests {
  enum Victim: String, CaseIterable {
    case supervisor, zygote
    case initProcess = "nss-init"
    case worker = "nss-worker"
    case observer = "nss-observer"
  }

  @Test(arguments: Victim.allCases)
  func `needs root: a kill in mid-storm leaves nothing`(victim: Victim) throws {
    try requireRoot()
    var sessions: [Int32] = []
    for round in 0..<4 { sessions.append(try kill(victim, round: round)) }
    // The machine's init reaps those whose parents are gone, in its own time.
    let isReaped = eventually(within: 10) {
      !ProcessEntry.all().contains { sessions.contains($0.session) }
    }
    #expect(isReaped)
  }

  @Test func `needs root: a kill while the sandbox is made leaves nothing`() throws {
    try requireRoot()
    let before = try MachineState.current()
    var marks: [String] = []
    for milliseconds in 0..<40 {
      // Every process of the tool keeps the command line, and with it this number.
      let seed = 7_000_000_000 + Int(getpid()) * 1000 + milliseconds
      marks.append("\0\(seed)\0")
      let supervisor = try SpawnedSupervisor(seed: seed, waitsUntilReady: false)
      usleep(UInt32(milliseconds) * 1000)
      supervisor.end()
    }
    let isClean = eventually(within: 10) {
      let lines = entries(of: "/proc").compactMap { contents(of: "/proc/\($0)/cmdline") }
      return !lines.contains { line in marks.contains { line.contains($0) } }
    }
    #expect(isClean)
    let left = before.difference(to: try MachineState.current())
    #expect(left == [])
  }

  /// The session whose processes were to end.
  private func kill(_ victim: Victim, round: Int) throws -> Int32 {
    let before = try MachineState.current()
    let supervisor = try SpawnedSupervisor(seed: round)
    defer { supervisor.end() }
    let zygote = try #require(supervisor.zygote)
    var generator = SeededGenerator(seed: UInt64(round))
    usleep(UInt32(generator.next(below: 150_000)))
    let processes = SpawnedSupervisor.processes(ofSession: zygote.pid)
    let names = Set(processes.map(\.name))
    #expect(names.isSuperset(of: ["nss-zygote", "nss-init", "nss-observer", "nss-worker0"]))
    let held = (processes.map(\.pid) + [supervisor.pid]).flatMap(heldFiles)
    #expect(held == [])
    let own = try #require(MountNamespaces.id(ofProcess: getpid()))
    let namespaces = Set(processes.compactMap { MountNamespaces.id(ofProcess: $0.pid) })
      .subtracting([own])
    #expect(namespaces.count >= 25)

    let target: Int32
    switch victim {
    case .supervisor: target = supervisor.pid
    case .zygote: target = zygote.pid
    case .initProcess, .worker, .observer:
      let candidates = processes.filter { $0.name.hasPrefix(victim.rawValue) }
      target = try #require(candidates.randomElement(using: &generator)).pid
    }
    #expect(Glibc.kill(target, SIGKILL) == 0)

    switch victim {
    case .supervisor: #expect(supervisor.waitForEnd(within: 10) == 128 + SIGKILL)
    case .zygote, .initProcess: #expect(supervisor.waitForEnd(within: 10) == 70)
    case .worker: #expect(supervisor.waitForEnd(within: 10) == 2)
    case .observer:
      // It is replaced and the storm goes on, until this test has seen enough of it.
      usleep(200_000)
      #expect(supervisor.waitForEnd(within: 0) == nil)
      #expect(Glibc.kill(supervisor.pid, SIGKILL) == 0)
      #expect(supervisor.waitForEnd(within: 10) == 128 + SIGKILL)
    }

    var processesLeft: [ProcessEntry] = []
    let isClean = eventually(within: 10) {
      processesLeft = SpawnedSupervisor.processes(ofSession: zygote.pid).filter { $0.state != "Z" }
      return processesLeft.isEmpty
    }
    #expect(isClean, "still there: \(processesLeft)")
    let areNamespacesGone = eventually(within: 10) {
      MountNamespaces.all().map { namespaces.isDisjoint(with: $0) } ?? false
    }
    #expect(areNamespacesGone)
    let left = before.difference(to: try MachineState.current())
    #expect(left == [])
    return zygote.pid
  }
}
