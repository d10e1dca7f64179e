import StormEngine
import StormKernel
import StormPlanning
import StormTrace
import StormVerdict
import StormVocabulary

// Sequential steps: one call, its answer, the tables.

extension StormRunner {
  func perform(_ step: PlannedStep) throws(SandboxError) -> Course {
    guard check.livingNamespaces.contains(step.actor) else {
      // The plan was made under other rules: there the process came to life, here it did not.
      skip("calls of processes that this kernel did not make", "the plan's rules differ")
      return .goesOn
    }
    if check.standing != .inStep, !sandbox.livingActors.contains(step.actor) {
      skip("calls of processes that the engine believes in", "the kernel did not make them")
      return .goesOn
    }
    guard namesWhatLives(step.operation, by: step.actor) else {
      skip(
        "calls that name processes which this kernel did not make, or still has",
        "the plan's rules differ")
      return .goesOn
    }
    let number = summary.storm.steps
    let prediction = try timed(\.engineNanoseconds) { () throws(SandboxError) in
      check.predict(step.operation, in: step.actor)
    }
    announce([NumberedCall(number: number, namespace: step.actor, operation: step.operation)])
    let record: CallRecord
    switch try sandbox.perform(step.operation, by: step.actor) {
    case .answered(let answered): record = answered
    case .hang(let report): return fault(.hang(report))
    case .died(let death): return fault(.death(death))
    }
    count(step.operation, record)
    phase.steps += 1
    phase.unverifiedSteps += 1
    remember(step.operation, in: step.actor, answer: record.errno)
    summary.checks.answers += 1
    defer { emit(.progress(progress())) }
    var observed = ObservedStep(
      number: number, namespace: step.actor, operation: step.operation, result: record.errno)

    // A trace says of each call which tables it changed, so a recording looks after each.
    let verification = recorder == nil ? phase.verification : .everyStep
    switch isCatchingUp ? .end : verification {
    case .everyStep where prediction.errno == record.errno:
      let reading = try timed(\.readingNanoseconds) { () throws(SandboxError) in
        try reader.read(changed: prediction.changed, from: sandbox)
      }
      if let hang = reading.hang { return fault(.hang(hang)) }
      summary.checks.memberLists += reading.memberLists
      summary.checks.sampledTables += reading.sampledTables
      if judgeObservers(reading, after: step, answer: record.errno) == .ends { return .ends }
      observed.tables = reading.tables
      phase.unverifiedSteps = 0
    case _ where prediction.errno != record.errno:
      // What an unexpected answer changed can be anything.
      let reading = try timed(\.readingNanoseconds) { () throws(SandboxError) in
        try reader.readAll(from: sandbox)
      }
      if let hang = reading.hang { return fault(.hang(hang)) }
      if judgeObservers(reading, after: step, answer: record.errno) == .ends { return .ends }
      observed.tables = reading.tables
      if phase.unverifiedSteps > 1 { check.forgetNumbers() }
      phase.unverifiedSteps = 0
    default:
      write(observed)
      if case .every(let interval) = phase.verification, phase.unverifiedSteps >= interval {
        return try verifyAll()
      }
      return .goesOn
    }
    write(observed)
    let divergence = try timed(\.engineNanoseconds) { () throws(SandboxError) in
      check.compare(observed)
    }
    guard let divergence else { return .goesOn }
    return try judge(divergence)
  }

  /// Whether the process that the call enters lives here too, and the one that it makes does not live already.
  private func namesWhatLives(_ operation: Operation, by actor: NamespaceNumber) -> Bool {
    if let new = operation.newNamespace, sandbox.livingActors.contains(new) { return false }
    switch operation {
    case .setnsDescriptor(let slot):
      return !check.absoluteRootIsBare(inNamespaceOfFileIn: slot, of: actor)
    case .setns(let other):
      // Nobody may stand on the machine's own rootfs.
      return sandbox.livingActors.contains(other)
        && !check.absoluteRootIsBare(inNamespaceOf: other)
    case .openNamespaceFile(_, of: let other, _): return sandbox.livingActors.contains(other)
    default: return true
    }
  }

  /// Reads all tables, nothing running, and compares them.
  func verifyAll() throws(SandboxError) -> Course {
    let reading = try timed(\.readingNanoseconds) { () throws(SandboxError) in
      try reader.readAll(from: sandbox)
    }
    if let hang = reading.hang { return fault(.hang(hang)) }
    if judgeObservers(reading, after: nil) == .ends { return .ends }
    if phase.unverifiedSteps > 0 { check.forgetNumbers() }
    phase.unverifiedSteps = 0
    isCatchingUp = false
    summary.checks.quiescentPoints += 1
    summary.storm.mostMounts = max(
      summary.storm.mostMounts, reading.tables.reduce(0) { $0 + $1.table.entries.count })
    let number = summary.storm.steps
    let divergence = try timed(\.engineNanoseconds) { () throws(SandboxError) in
      check.compare(tables: reading.tables, asStep: number, isComplete: true)
    }
    guard let divergence else { return .goesOn }
    return try judge(divergence)
  }

  /// Keeps a call for the search of known issues.
  func remember(_ operation: Operation, in namespace: NamespaceNumber, answer: Errno) {
    history.append(PastCall(namespace: namespace, operation: operation, answer: answer))
  }

  private func count(_ operation: Operation, _ record: CallRecord) {
    summary.storm.steps += 1
    note(operation, answer: record.errno)
    latencies.record(operation, record)
    summary.times.kernelNanoseconds += record.endNanoseconds - record.startNanoseconds
    if record.errno == .none, operation.newNamespace != nil { summary.storm.namespacesMade += 1 }
    summary.storm.mostMounts = max(summary.storm.mostMounts, check.mountCount)
    summary.storm.mostNamespaces = max(
      summary.storm.mostNamespaces, check.livingNamespaces.count)
  }

  /// Counts an answer.
  func note(_ operation: Operation, answer: Errno) {
    summary.storm.answers[answer.name, default: 0] += 1
    guard answer == .none else { return }
    summary.storm.succeededCalls += 1
    if case .umount2(_, let flags) = operation {
      if flags.contains(.detach) {
        summary.storm.lazyUmounts += 1
      } else {
        summary.storm.synchronousUmounts += 1
      }
    }
  }

  private func write(_ step: ObservedStep) {
    guard recorder != nil else { return }
    do throws(TraceError) {
      try recorder?.append(step)
    } catch {
      loseRecording(error)
    }
  }

  func progress() -> RunProgress {
    var total: Int?
    if profile.phases.indices.contains(phase.index),
      case .sequential(let body) = profile.phases[phase.index].body,
      case .steps(let count) = body.length
    {
      total = count
    }
    return RunProgress(
      phase: phase.index + 1, stepOfPhase: phase.steps, stepsOfPhase: total,
      steps: summary.storm.steps, volleyCalls: summary.storm.volleyCalls,
      namespaces: check.livingNamespaces.count, mounts: check.mountCount,
      divergences: summary.divergences.count,
      kernelNanoseconds: summary.times.kernelNanoseconds)
  }
}
