import StormEngine
import StormKernel
import StormPlanning
import StormTrace
import StormVerdict
import StormVocabulary

// Programs that run at once: the end state is exact, and of each answer what every order must give.

extension StormRunner {
  func fire(_ volley: Volley, control: inout some RunControl) throws(SandboxError) -> Course {
    if phase.unverifiedSteps > 0, try verifyAll() == .ends { return .ends }
    try measureMemory()
    // The serial order that stands for what ran at once is in no file.
    history.endRecording()
    let company = try startCompany(of: volley)
    try watch(volley)
    let programs =
      volley.programs.map { WorkerProgram(actor: $0.actor, operations: $0.operations) } + company
    let number = summary.storm.steps
    announce(
      volley.programs.flatMap { program in
        program.operations.map {
          NumberedCall(number: number, namespace: program.actor, operation: $0)
        }
      })
    guard let (outcome, isStopped) = try runAtOnce(programs, control: &control) else {
      return .ends
    }
    settleAnnouncements(number)
    try endCompany(of: volley)
    count(volley, outcome)
    emit(.progress(progress()))
    if isStopped {
      // What was left out is not known to the model.
      summary.wasInterrupted = true
      skip("the tables after the last volley", "it was interrupted")
      return .ends
    }
    let (predicted, refused) = predict(volley, outcome)
    remember(volley, outcome, predicted: predicted)
    phase.unverifiedSteps += volley.callCount
    let course = judgeAnswers(volley, outcome, predicted: predicted)
    if course == .ends {
      record(volley, outcome, tables: nil)
      return .ends
    }
    let verified = try verifyAll()
    record(volley, outcome, tables: reader.lastTables)
    if verified == .ends { return .ends }
    for step in refused where try perform(step) == .ends { return .ends }
    return try awaitRelease(volley)
  }

  /// Keeps what ran at once in the recording, as a window of workers that began together.
  private func record(_ volley: Volley, _ outcome: BatchOutcome, tables: [NamespaceTable]?) {
    // What company did is in no recording, and a refusal that it explains would be inexplicable there.
    guard recorder != nil, !volley.mayBeBusy else { return }
    var calls: [ContendedWindow.Call] = []
    for (worker, program) in volley.programs.enumerated() {
      for (operation, record) in zip(program.operations, outcome.programs[worker].records) {
        calls.append(
          ContendedWindow.Call(
            worker: worker, process: program.actor, operation: operation, errno: record.errno,
            startNanoseconds: record.startNanoseconds, endNanoseconds: record.endNanoseconds))
      }
    }
    record(
      workers: volley.programs.enumerated().map {
        ConcurrentWorker(number: $0.offset, process: $0.element.actor)
      },
      ContendedWindow(
        calls: calls, tables: tables, barrierNanoseconds: outcome.startNanoseconds,
        tablesNanoseconds: outcome.endNanoseconds))
  }

  /// Appends a window to the recording.
  func record(workers: [ConcurrentWorker], _ window: ContendedWindow) {
    guard recorder != nil else { return }
    let number = recordedWindows
    recordedWindows += 1
    do throws(TraceError) {
      try recorder?.append(
        TraceWindow(number: number, phase: phase.index, workers: workers, window: window))
    } catch {
      loseRecording(error)
    }
  }

  /// Writes down that the calls that were announced under this number have returned.
  func settleAnnouncements(_ number: Int) {
    guard options.announces, recorder != nil else { return }
    do throws(TraceError) {
      try recorder?.answered(number)
    } catch {
      loseRecording(error)
    }
  }

  /// A prediction for each call, in one serial order; for those that race only the sum is known. A synchronous umount
  /// that a walker's reference can have made busy has changed nothing, and is made up for afterwards: company walks from
  /// the volley's beginning to its end, so it overlaps with each call, and its paths say whether it met that mount.
  private func predict(
    _ volley: Volley, _ outcome: BatchOutcome
  ) -> (answers: [[Errno]], refused: [PlannedStep]) {
    var answers: [[Errno]] = []
    var refused: [PlannedStep] = []
    let walks = volley.walks
    for (program, result) in zip(volley.programs, outcome.programs) {
      answers.append(
        zip(program.operations, result.records).map { operation, record in
          if volley.mayBeBusy, record.errno == .busy,
            case .umount2(let path, let flags) = operation,
            flags.isEmpty, check.canBeMet(operation, in: program.actor, by: walks)
          {
            summary.storm.busyUmounts += 1
            refused.append(
              PlannedStep(
                actor: program.actor, operation: .umount2(path, .detach), plannedAnswer: .none,
                origin: .preparation))
            return .busy
          }
          return check.predict(operation, in: program.actor).errno
        })
    }
    return (answers, refused)
  }

  /// The serial order of the prediction stands for what happened: every order leads to the same tables.
  private func remember(_ volley: Volley, _ outcome: BatchOutcome, predicted: [[Errno]]) {
    for (program, answers) in zip(volley.programs, predicted) {
      for (operation, answer) in zip(program.operations, answers) {
        // A transient reference is not in the history that known issues are tried on.
        if volley.mayBeBusy, answer == .busy { continue }
        remember(operation, in: program.actor, answer: answer)
      }
    }
  }

  private func count(_ volley: Volley, _ outcome: BatchOutcome) {
    for (program, result) in zip(volley.programs, outcome.programs) {
      for (operation, record) in zip(program.operations, result.records) {
        summary.storm.volleyCalls += 1
        note(operation, answer: record.errno)
        latencies.record(operation, record)
      }
    }
  }

  private func judgeAnswers(
    _ volley: Volley, _ outcome: BatchOutcome, predicted: [[Errno]]
  ) -> Course {
    switch volley.assault {
    case .divided: judgeDivided(volley, outcome, predicted: predicted)
    case .racing: judgeRacing(volley, outcome)
    }
  }

  /// Nobody else goes for the same mount: each answer is exact.
  private func judgeDivided(
    _ volley: Volley, _ outcome: BatchOutcome, predicted: [[Errno]]
  ) -> Course {
    for (index, program) in volley.programs.enumerated() {
      for (position, record) in outcome.programs[index].records.enumerated() {
        summary.checks.answers += 1
        let expected = predicted[index][position]
        guard record.errno != expected else { continue }
        let course = found(
          Divergence(
            step: summary.storm.steps, namespace: program.actor,
            operation: program.operations[position], predictedErrno: expected,
            observedErrno: record.errno))
        if course == .ends { return .ends }
      }
    }
    return .goesOn
  }

  /// Everybody goes for every mount with MNT_DETACH: exactly one call for each succeeds, the others find no mount
  /// point (kernel-mounts 5.1, 6: EINVAL), whatever the order.
  private func judgeRacing(_ volley: Volley, _ outcome: BatchOutcome) -> Course {
    var successes: [Operation: Int] = [:]
    for (program, result) in zip(volley.programs, outcome.programs) {
      for (operation, record) in zip(program.operations, result.records) {
        summary.checks.answers += 1
        if record.errno == .none {
          successes[operation, default: 0] += 1
          if successes[operation] == 1 { continue }
        } else if record.errno == .invalidArgument {
          continue
        }
        let course = found(
          Divergence(
            step: summary.storm.steps, namespace: program.actor, operation: operation,
            predictedErrno: .invalidArgument, observedErrno: record.errno))
        if course == .ends { return .ends }
      }
    }
    for operation in volley.programs.first?.operations ?? []
    where successes[operation] == nil {
      let course = found(
        Divergence(
          step: summary.storm.steps, namespace: 0, operation: operation, predictedErrno: .none,
          observedErrno: .invalidArgument))
      if course == .ends { return .ends }
    }
    return .goesOn
  }
}
