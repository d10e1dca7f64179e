import StormVocabulary
import Testing

@Suite struct VocabularyTests {
  @Test(arguments: [
    ("6.12.107+deb13-cloud-amd64", "", KernelRelease(6, 12, 107)),
    ("7.3.4", "", KernelRelease(7, 3, 4)),
    ("6.18-rc3", "", KernelRelease(6, 18, 0)),
    ("6.18.44-fc-v595", "#1 SMP PREEMPT_DYNAMIC @0", KernelRelease(6, 18, 44)),
    ("5.10.0-32-cloud-amd64", "#1 SMP Debian 5.10.223-1 (2024-08-10)", KernelRelease(5, 10, 223)),
    ("6.1.0-50-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1", KernelRelease(6, 1, 176)),
  ])
  func `a kernel's names give its version with the stable number`(
    release: String, build: String, expected: KernelRelease
  ) {
    #expect(KernelRelease(release: release, build: build) == expected)
  }

  @Test(arguments: ["", "linux", "6", "x6.1", "-6.1"])
  func `a name without a version is refused`(release: String) {
    #expect(KernelRelease(release: release) == nil)
  }

  @Test func `releases are ordered by number, not by text`() {
    #expect(KernelRelease(6, 9) < KernelRelease(6, 12))
    #expect(KernelRelease(6, 12, 99) < KernelRelease(6, 12, 107))
    #expect(KernelRelease(7, 0) > KernelRelease(6, 19, 14))
  }

  @Test func `an errno goes to its name and back`() {
    for number in 1...133 as ClosedRange<Int32> {
      let errno = Errno(rawValue: number)
      #expect(Errno(name: errno.name) == errno)
    }
    #expect(Errno.busy.description == "EBUSY (device or resource busy)")
    #expect(Errno(name: "EBUSYY") == nil)
    #expect(Errno(name: "E-5") == nil)
  }

  @Test func `mount options go to attributes and back in the kernel's order`() {
    let options = "ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow,idmapped"
    #expect(MountAttributes(options: options).options == options)
    #expect(MountAttributes(options: "rw,relatime") == .relativeAccessTime)
    #expect(MountAttributes(options: "rw,brandnew").contains(.unknown))
  }

  @Test func `a seed gives the same numbers everywhere`() {
    var generator = SeededGenerator(seed: 42)
    // xoshiro256** filled by SplitMix64, as its authors publish it.
    #expect(generator.next() == 0x1578_0B2E_0C2E_C716)
    var again = SeededGenerator(seed: 42)
    var other = SeededGenerator(seed: 43)
    let first = (0..<5).map { _ in again.next() }
    #expect(first[0] == 0x1578_0B2E_0C2E_C716)
    #expect(first != (0..<5).map { _ in other.next() })
  }

  @Test func `numbers below a bound reach every value and never the bound`() {
    var generator = SeededGenerator(seed: 7)
    let numbers = (0..<1000).map { _ in generator.next(below: 7) }
    #expect(Set(numbers) == Set(0..<7))
  }
}
