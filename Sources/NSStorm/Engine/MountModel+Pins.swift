public import StormVocabulary

/// Something that keeps a mount busy (kernel-mounts 5.2, 6.5).
public struct Pin: Hashable, Sendable, CustomStringConvertible {
  public enum Holder: Hashable, Sendable {
    case openFile(process: Int, slot: DescriptorSlot)
    /// A mapping, or a message that nobody received.
    case hold(process: Int, HoldKind, HoldNumber)
    case workingDirectory(process: Int)
    case root(process: Int)
    /// A mount on it.
    case child(mountpoint: String, source: String)
  }

  public var holder: Holder
  /// Whether it holds the mount itself, or a copy that would go with it.
  public var isOnCopy: Bool

  public var description: String {
    let what =
      switch holder {
      case .openFile(let process, let slot): "descriptor \(slot) of process \(process)"
      case .hold(let process, .mapping, let number): "mapping \(number) of process \(process)"
      case .hold(let process, .message, let number):
        "message \(number) that process \(process) sent and nobody received"
      case .workingDirectory(let process): "the working directory of process \(process)"
      case .root(let process): "the root of process \(process)"
      case .child(let mountpoint, let source): "the mount of \(source) on \(mountpoint) in it"
      }
    return isOnCopy ? what + ", on a copy that would go too" : what
  }
}

extension MountModel {
  /// What would make a synchronous umount of the path fail with EBUSY: who pins the mount or a copy that would go.
  public mutating func pins(on path: PathArgument, by process: Int) -> Result<[Pin], Errno> {
    guard isAlive(process) else { return .failure(.noSuchProcess) }
    let caller = Process(number: process)
    let victim: Mount
    switch resolve(path, by: caller, [.followFinalLink, .toTopmost]) {
    case .failure(let errno): return .failure(errno)
    case .success(let location): victim = location.mount
    }
    var pins = holders(of: victim, isOnCopy: false)
    var child = mounts[victim.index].firstChild
    while child != .none {
      let place = pathInSuperblock(mounts[child.index].mountpoint)
      pins.append(
        Pin(
          holder: .child(mountpoint: place, source: names[mounts[child.index].deviceName]),
          isOnCopy: false))
      child = mounts[child.index].nextSibling
    }
    let parent = mounts[victim.index].parent
    guard parent != .none else { return .success(pins) }
    let place = mounts[victim.index].mountpoint
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      let copy = self.child(of: receiver, at: place)
      if copy != .none, staysOnlyIfHeld(copy) { pins += holders(of: copy, isOnCopy: true) }
      receiver = propagationNext(receiver, origin: parent)
    }
    return .success(pins)
  }

  /// Whether nothing but a mount over its root is on the copy, so that it goes and counts.
  private func staysOnlyIfHeld(_ copy: Mount) -> Bool {
    var child = mounts[copy.index].firstChild
    while child != .none {
      if mounts[child.index].mountpoint != mounts[copy.index].root { return false }
      child = mounts[child.index].nextSibling
    }
    return true
  }

  private func holders(of mount: Mount, isOnCopy: Bool) -> [Pin] {
    var pins: [Pin] = []
    for index in 1..<processes.slotCount where processes[index].isAlive {
      let record = processes[index]
      let number = Int(index) - 1
      if record.root.mount == mount {
        pins.append(Pin(holder: .root(process: number), isOnCopy: isOnCopy))
      }
      if record.workingDirectory.mount == mount {
        pins.append(Pin(holder: .workingDirectory(process: number), isOnCopy: isOnCopy))
      }
      var file = record.firstFile
      while file != .none {
        if files[file.index].location.mount == mount {
          let slot = Int(files[file.index].slot)
          let holder: Pin.Holder =
            if let kind = files[file.index].hold {
              .hold(process: number, kind, -1 - slot)
            } else {
              .openFile(process: number, slot: slot)
            }
          pins.append(Pin(holder: holder, isOnCopy: isOnCopy))
        }
        file = files[file.index].next
      }
    }
    return pins
  }
}
