import StormEngine
public import StormVocabulary

// What those can explain who are about and whose single walks nobody records.

extension StepCheck {
  /// Whether somebody who walks one of these paths can hold, as the model stands, a mount whose references the busy check
  /// of this umount looks at.
  ///
  /// - Parameter walks: paths as the given processes name them. All processes see copies of one tree, so only paths that
  ///   begin with the umount's own can cross that mount.
  public mutating func canBeMet(
    _ umount: Operation, in namespace: NamespaceNumber,
    by walks: [(process: NamespaceNumber, path: PathArgument)]
  ) -> Bool {
    guard case .umount2(.path(let target), _) = umount, model.isAlive(namespace) else {
      return false
    }
    let mark = model.checkpoint()
    defer { model.rollback(to: mark) }
    var call = CallInFlight(umount, by: namespace)
    while case .resolve = model.nextPoint(of: call) { model.resolvePoint(&call) }
    let judged = Set(model.mountsJudged(by: call))
    return walks.contains { walk in
      guard case .path(let path) = walk.path, path.hasPrefix(target) else { return false }
      return model.mountsPassed(by: walk.path, of: walk.process).contains(where: judged.contains)
    }
  }
}
