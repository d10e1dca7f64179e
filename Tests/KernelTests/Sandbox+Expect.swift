import StormKernel
import StormVocabulary
import Testing

extension Sandbox {
  /// Makes a call that must be answered.
  func answer(
    _ operation: Operation, by actor: Int, _ location: SourceLocation = #_sourceLocation
  ) throws -> Errno {
    let outcome = try perform(operation, by: actor)
    return try #require(
      outcome.record, "\(operation) by \(actor)", sourceLocation: location
    ).errno
  }

  /// Makes a call that must be answered with this errno.
  func expect(
    _ errno: Errno, _ operation: Operation, by actor: Int,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let answer = try answer(operation, by: actor, location)
    #expect(answer == errno, "\(operation) by \(actor)", sourceLocation: location)
  }

  func seenTable(of actor: Int) throws -> MountTable {
    let observation = try table(of: actor)
    return try #require(observation.value)
  }
}
