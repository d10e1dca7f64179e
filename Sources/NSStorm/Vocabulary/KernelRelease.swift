/// A kernel's version with its stable number, taken from `uname -r` and, on older Debian kernels, `uname -v`.
public struct KernelRelease: Hashable, Sendable, Comparable, CustomStringConvertible {
  public var major: Int
  public var minor: Int
  /// The number of the stable update; 0 where none is known.
  public var patch: Int

  public init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// Reads `6.12.107+deb13-cloud-amd64`, `7.3.4`, `6.18-rc3`; nil where no `major.minor` stands at the front.
  ///
  /// - Parameter build: `uname -v`. Debian kernels up to 6.1 are named after their interface
  ///   (`5.10.0-32-cloud-amd64`), and only the build string (`#1 SMP Debian 5.10.223-1`) has the stable number.
  public init?(release: String, build: String = "") {
    guard let named = Self.leadingVersion(of: release) else { return nil }
    self = named
    for word in build.split(separator: " ") {
      guard let stable = Self.leadingVersion(of: word),
        (stable.major, stable.minor) == (major, minor), stable.patch > patch
      else { continue }
      self = stable
    }
  }

  private static func leadingVersion(of text: some StringProtocol) -> KernelRelease? {
    var numbers: [Int] = []
    var rest = text[...]
    while numbers.count < 3 {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let number = Int(digits) else { break }
      numbers.append(number)
      rest = rest.dropFirst(digits.count)
      guard rest.first == "." else { break }
      rest = rest.dropFirst()
    }
    guard numbers.count >= 2 else { return nil }
    return KernelRelease(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
  }

  public static func < (left: KernelRelease, right: KernelRelease) -> Bool {
    (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
  }

  public var description: String { "\(major).\(minor).\(patch)" }
}
