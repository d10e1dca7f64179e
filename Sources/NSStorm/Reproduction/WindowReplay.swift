import StormKernel
import StormVerdict
import StormVocabulary

/// How a recorded window is made again: its recorded order as far as calls can be ordered.
///
/// Calls that had ended before another began are made before it: the window falls into clusters, and all of one cluster end
/// before the next is begun. In a cluster all workers start together and wait as long between their calls as they did in
/// the recording, plus a jitter.
struct WindowReplay {
  /// Calls that overlap, or hang together by others that do.
  struct Cluster {
    var calls: [ContendedWindow.Call]
    var startNanoseconds: UInt64
    var endNanoseconds: UInt64
  }

  let clusters: [Cluster]
  private let workers: [Int: ConcurrentWorker]
  private let jitterNanoseconds: UInt32

  /// - Parameter jitterNanoseconds: added to each wait, 0 to this.
  init(
    _ window: ContendedWindow, workers: [ConcurrentWorker], jitterNanoseconds: UInt32
  ) {
    self.workers = Dictionary(workers.map { ($0.number, $0) }, uniquingKeysWith: { $1 })
    self.jitterNanoseconds = jitterNanoseconds
    var clusters: [Cluster] = []
    let ordered = window.calls.sorted {
      ($0.startNanoseconds, $0.worker) < ($1.startNanoseconds, $1.worker)
    }
    for call in ordered {
      if let last = clusters.indices.last, call.startNanoseconds < clusters[last].endNanoseconds {
        clusters[last].calls.append(call)
        clusters[last].endNanoseconds = max(clusters[last].endNanoseconds, call.endNanoseconds)
      } else {
        clusters.append(
          Cluster(
            calls: [call], startNanoseconds: call.startNanoseconds,
            endNanoseconds: call.endNanoseconds))
      }
    }
    self.clusters = clusters
  }

  /// The actor of a sandbox that makes a worker's calls; threads are no processes of the model.
  static func actor(_ worker: ConcurrentWorker) -> Int {
    worker.isThread ? 1_000_000 + worker.number : worker.process
  }

  func actor(of worker: Int) -> Int? { workers[worker].map(Self.actor) }

  /// One program for each worker of a cluster, with the calls that it makes.
  func programs(
    _ cluster: Cluster, processors: Int, _ generator: inout SeededGenerator
  ) -> [(worker: Int, program: WorkerProgram, calls: [ContendedWindow.Call])] {
    var programs: [(worker: Int, program: WorkerProgram, calls: [ContendedWindow.Call])] = []
    for number in Set(cluster.calls.map(\.worker)).sorted() {
      guard let worker = workers[number] else { continue }
      let calls = cluster.calls.filter { $0.worker == number }
      var last = cluster.startNanoseconds
      var steps: [WorkerProgram.Step] = []
      for call in calls {
        let gap = call.startNanoseconds > last ? call.startNanoseconds - last : 0
        let jitter = jitterNanoseconds == 0 ? 0 : generator.next(below: Int(jitterNanoseconds) + 1)
        steps.append(
          WorkerProgram.Step(
            call.operation,
            delayNanoseconds: UInt32(clamping: min(gap, Self.longestWait) + UInt64(jitter))))
        last = call.endNanoseconds
      }
      var program = WorkerProgram(
        actor: Self.actor(worker), steps: steps, cpu: worker.cpu.map { $0 % max(1, processors) })
      program.priority = worker.priority
      programs.append((number, program, calls))
    }
    return programs
  }

  /// Longer waits were the scheduler's.
  private static let longestWait: UInt64 = 20_000_000
}
