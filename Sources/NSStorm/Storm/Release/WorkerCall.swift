public import StormVocabulary

/// What a worker does in one step of its program: a call under test, or one of the operations by which file systems
/// are made, held and watched (`nss_release.h`). Only the calls under test are known to the engine.
public enum WorkerCall: Hashable, Sendable {
  case operation(Operation)
  /// Starts a watch that sees the superblock below the path die; with `adds` beside those that the slot has already.
  /// The path is that of the caller, or of another actor's root.
  case watch(String, ofActor: Int? = nil, adds: Bool = false, DescriptorSlot)
  /// Waits for so many of the signs. `EAGAIN` without a limit, `ETIMEDOUT` with one.
  case waitFor(ReleaseSign, DescriptorSlot, count: Int = 1, limitNanoseconds: UInt64 = 0)
  case watchProcess(ofActor: Int, DescriptorSlot)
  /// Mount events of the caller's namespace (fanotify, 6.15).
  case watchMounts(DescriptorSlot)
  /// Opens the block device in the slot exclusively and closes it, again and again while it is busy.
  case claim(DescriptorSlot, limitNanoseconds: UInt64 = 0)
  /// A loop device over an unnamed file with the contents of an image.
  case attach(DiskImage, DescriptorSlot)
  /// A new file system, on a loop device if there is a slot.
  case mount(type: String, device: DescriptorSlot?, target: String, data: String)
  /// A file system that a server of its own serves (FUSE), on a loop device if there is one.
  case mountServed(device: DescriptorSlot?, target: String, DescriptorSlot)
  /// The files that holders use: `file` of so many bytes, `pipe`, `program`.
  case fill(String, fileBytes: Int)
  /// Writes and removes files, so many times.
  case load(String, rounds: UInt64)
  case mountID(String)
  case sharedMemory
  case hold(ReleaseHolder, String, DescriptorSlot)
  case letGo(ReleaseHolder, DescriptorSlot)
  /// A descriptor of another actor's mount namespace.
  case holdNamespace(ofActor: Int, DescriptorSlot)
  /// Waits until another actor's program is seen to run.
  case meet(actor: Int, limitNanoseconds: UInt64)
  /// SIGKILL.
  case kill(actor: Int)
  /// `umount2` again and again while it answers `EBUSY`.
  case umountUntil(String, UmountFlags, limitNanoseconds: UInt64)
  case readTable
  /// Mounts a tmpfs and umounts it, so many times.
  case mountAndUmount(String, rounds: Int)
  /// A child copies the mount namespace and exits.
  case cloneNamespace
  /// The life of one container over the image, in an empty directory.
  case container(image: String, place: String)
  /// The so-manieth fault that the kernel could inject into this task is injected; 0 ends that.
  case failNth(UInt64)
}

/// A sign by which user space sees that something was released.
public enum ReleaseSign: Hashable, Sendable {
  /// `IN_UNMOUNT`: the superblock was shut down.
  case unmount
  /// The FUSE server's connection is gone.
  case connectionEnd
  /// The FUSE server got `FUSE_DESTROY`, which the kernel sends for block devices only.
  case destroy
  /// The process has exited.
  case processEnd
  /// A mount left the namespace (`FAN_MNT_DETACH`).
  case mountDetached
}

/// What keeps a mount busy beyond an umount.
public enum ReleaseHolder: String, CaseIterable, Hashable, Sendable, Codable {
  case descriptor = "fd"
  case directory = "cwd"
  case map
  /// A descriptor in flight (`SCM_RIGHTS`).
  case message
  /// A fixed file of an io_uring.
  case ring = "io-uring"
  /// An AIO request that does not complete.
  case request = "aio"
  /// A running program.
  case program = "exec"

  /// Whether the last reference is put by a kernel thread, whenever that runs.
  public var isAsynchronous: Bool { self == .ring || self == .request }
}

/// A disk image: its size and the parts that are not zero.
public struct DiskImage: Hashable, Sendable {
  public var bytes: Int
  /// As `NSS_OP_LOOP_ATTACH` has it: offset (8 bytes), length (4), 4 unused, the contents padded to 8.
  public var extents: [UInt8]

  public init(bytes: Int, extents: [UInt8] = []) {
    self.bytes = bytes
    self.extents = extents
  }
}

extension WorkerCall {
  /// The call under test, if it is one.
  public var operation: Operation? {
    if case .operation(let operation) = self { operation } else { nil }
  }
}
