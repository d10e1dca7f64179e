import Glibc
import StormKernel
import StormPlanning
import StormVocabulary

// What a sandbox runs of a planned race.

extension Race.Worker {
  /// The actor of the sandbox; further threads are none of the model's processes.
  var actor: Int { thread == 0 ? process : 1_000_000 + process * 100 + thread }

  /// The CPU of this machine; a plan counts workers, not CPUs.
  var runningCPU: Int? { cpu.map { $0 % max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) } }
}

extension Race {
  /// Starts the threads that do not run yet; their processes live.
  func startThreads(in sandbox: Sandbox) throws(SandboxError) {
    for worker in workers + walks.map(\.worker) where worker.thread > 0 {
      guard !sandbox.livingActors.contains(worker.actor) else { continue }
      try sandbox.addThread(worker.actor, of: worker.process)
    }
  }

  var workerPrograms: [WorkerProgram] {
    var programs = zip(workers, programs).map { worker, calls in
      var program = WorkerProgram(
        actor: worker.actor,
        steps: calls.map { .init($0.operation, delayNanoseconds: $0.delayNanoseconds) },
        cpu: worker.runningCPU)
      program.priority = worker.priority
      return program
    }
    for walk in walks {
      var program = WorkerProgram(
        actor: walk.worker.actor, operations: walk.operations, cpu: walk.worker.runningCPU)
      program.priority = walk.worker.priority
      program.isInBackground = true
      programs.append(program)
    }
    return programs
  }
}
