import StormKernel
import StormVocabulary

/// Whether `umount2` takes flags beyond the four that every kernel knows: an unknown one is refused before the path is
/// looked up, so that a path to nothing tells them apart and nothing is ever umounted.
enum FlagExperiment {
  static func run() throws(ExperimentRefusal) -> Bool {
    do throws(SandboxError) {
      let sandbox = try Sandbox.launch(SandboxLimits(workers: 2, programBytes: 1 << 20))
      defer { try? sandbox.teardown() }
      let known: UmountFlags = [.force, .detach, .expire, .noFollow]
      for bit in 0..<UInt32.bitWidth {
        let flag = UmountFlags(rawValue: 1 << UInt32(bit))
        guard known.isDisjoint(with: flag) else { continue }
        let outcome = try sandbox.perform(.umount2("/nsstorm-nothing", [.detach, flag]), by: 0)
        if outcome.record?.errno != .invalidArgument { return true }
      }
      return false
    } catch {
      throw ExperimentRefusal(error)
    }
  }
}
