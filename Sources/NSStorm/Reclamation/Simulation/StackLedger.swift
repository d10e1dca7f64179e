/// Whether a final put fits on the stack where it is made (D7): depth of the call site, need of the
/// file system's shutdown, size of the stack. All in bytes.
public struct StackLedger: Sendable, Hashable {
  /// Stack that a work item has used up before its function runs.
  public static let workItemDepth = 700

  public var stackSize: Int
  /// What the caller of the final put has used already.
  public var callerDepth: Int
  /// What shutting the superblock down needs: about 3,000, for xfs 5,000.
  public var shutdownNeed: Int

  public init(stackSize: Int = 8_192, callerDepth: Int, shutdownNeed: Int) {
    self.stackSize = stackSize
    self.callerDepth = callerDepth
    self.shutdownNeed = shutdownNeed
  }

  /// Bytes left when the tail runs there; negative when the stack overflows.
  public func bytesLeft(tail: Design.Tail) -> Int {
    switch tail {
    case .inline: stackSize - callerDepth - shutdownNeed
    case .taskWork, .wqNoWait, .wqWait: stackSize - Self.workItemDepth - shutdownNeed
    }
  }
}
