import StormEngine
import StormKernel
import StormPlanning

// `fs.mount-max`: read for every run, because it decides answers, and changed where a profile asks for another one.

extension StormRunner {
  /// What became of a profile's wish.
  struct MountLimitChange: ~Copyable {
    var setting: GuardedSetting?
    /// Why the machine's own limit stays.
    var refusal: String?
  }

  static func changeMountLimit(_ profile: Profile, _ options: RunOptions) -> MountLimitChange {
    guard let wanted = profile.limits.mountLimit, wanted != MachineSettings.mountLimit else {
      return MountLimitChange()
    }
    let path = MachineSettings.mountLimitPath
    guard options.touchesMachine else {
      return MountLimitChange(refusal: "it changes \(path): needs --touch-machine, or a VM")
    }
    do throws(GuardedSetting.Refusal) {
      return MountLimitChange(setting: try GuardedSetting(path, to: "\(wanted)"))
    } catch {
      return MountLimitChange(refusal: "\(error)")
    }
  }

  func restoreMountLimit() {
    guard let setting = mountLimit.take() else { return }
    let path = setting.path
    if let errno = setting.restore() { warn("\(path) could not be put back: \(errno)") }
  }
}
