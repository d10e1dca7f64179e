import StormKernel
import StormReclamation

/// Idle umounts while every grace period is a normal one. `rcu_normal` is the whole machine's: it is changed only where
/// that is allowed, under a guard that puts it back even when this process is killed.
enum NormalGracePeriodExperiment {
  private static let path = "/sys/kernel/rcu_normal"
  private static let treeMounts = 100

  static func run(
    touchesMachine: Bool
  ) throws(ExperimentRefusal) -> ReleaseObservation.NormalGracePeriods {
    guard touchesMachine else {
      throw ExperimentRefusal("\(path) would be changed: needs --touch-machine, or a VM")
    }
    let setting: GuardedSetting
    do throws(GuardedSetting.Refusal) {
      setting = try GuardedSetting(path, to: "1")
    } catch .alreadySet {
      return try measure().get()
    } catch {
      throw ExperimentRefusal("\(error)")
    }
    let measured = measure()
    if let errno = setting.restore() {
      throw ExperimentRefusal(
        "\(path) could not be put back: \(errno); write the old value into it")
    }
    return try measured.get()
  }

  private static func measure() -> Result<
    ReleaseObservation.NormalGracePeriods, ExperimentRefusal
  > {
    do throws(ProbeError) {
      return .success(
        ReleaseObservation.NormalGracePeriods(
          gracePeriodNanoseconds: try ReleaseProbe(.gracePeriod, rounds: 30).run().median,
          syncNanoseconds: try ReleaseProbe(.single, rounds: 40).run().median,
          lazyNanoseconds: try ReleaseProbe(.single, rounds: 40, lazy: true).run().median,
          treeNanoseconds: try ReleaseProbe(.tree, rounds: 20, mounts: treeMounts).run().median,
          treeMounts: treeMounts))
    } catch {
      return .failure(ExperimentRefusal(error))
    }
  }
}
