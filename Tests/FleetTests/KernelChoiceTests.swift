import StormFleet
import Testing

@Suite struct KernelChoiceTests {
  private static let lists = """
    Package: linux-image-6.12-cloud-amd64
    Version: 6.12.117-1~deb12u1
    Depends: linux-image-6.12.117+deb12-cloud-amd64 (= 6.12.117-1~deb12u1)

    Package: linux-image-6.12.107+deb12-cloud-amd64
    Version: 6.12.107-1~deb12u1
    Depends: kmod, linux-base (>= 4.3~)
    Description: Linux 6.12
     Version: 9.9.9 is not a field

    Package: linux-image-6.12.107+deb13-cloud-amd64
    Version: 6.12.107-1
    Depends: kmod

    Package: linux-image-6.12.95+deb13-cloud-amd64
    Version: 6.12.95-1

    Package: linux-image-6.12.117+deb13-amd64
    Version: 6.12.117-1

    Package: linux-image-5.10.0-46-cloud-amd64
    Version: 5.10.262-1

    Package: linux-image-7.3-cloud-amd64
    Version: 7.3~rc7-1~exp1

    Package: linux-image-7.3.4+deb13-cloud-amd64
    Version: 7.3.4-1~bpo13+1
    Depends: dracut | linux-initramfs-tool, linux-binary-7.3.4+deb13-cloud-amd64 (= 7.3.4-1~bpo13+1), linux-modules-7.3.4+deb13-cloud-amd64 (= 7.3.4-1~bpo13+1)

    Package: linux-image-7.3.4+deb13-rt-amd64
    Version: 7.3.4-1~bpo13+1
    """

  private func chosen(_ version: String) throws -> String {
    try DebianPackage.choose(
      DebianKernelVersion(version), from: DebianPackage.records(of: Self.lists)
    ).name
  }

  @Test func `a version with two numbers means the newest update, compared as numbers`() throws {
    #expect(try chosen("6.12") == "linux-image-6.12.107+deb13-cloud-amd64")
  }

  @Test func `the stable number is the package's and not the interface's`() throws {
    #expect(try chosen("5.10.262") == "linux-image-5.10.0-46-cloud-amd64")
  }

  @Test func `flavours are kept apart`() throws {
    #expect(try chosen("7.3.4-rt") == "linux-image-7.3.4+deb13-rt-amd64")
    #expect(try chosen("6.12.117-generic") == "linux-image-6.12.117+deb13-amd64")
  }

  @Test func `a kernel that is not there is refused with those that are`() throws {
    let packages = DebianPackage.records(of: Self.lists)
    #expect(
      throws: FleetError.kernelNotFound(
        wanted: "6.17", available: ["5.10.262", "6.12.95", "6.12.107", "7.3.4"])
    ) { try DebianPackage.choose(DebianKernelVersion("6.17"), from: packages) }
  }

  @Test func `a bare version is Debian's unless a file has that name`() throws {
    #expect(
      try KernelChoice("6.12.107") { _ in false }
        == .debian(DebianKernelVersion(major: 6, minor: 12, patch: 107)))
    #expect(try KernelChoice("6.12.107") { _ in true } == .file("6.12.107"))
  }

  @Test(arguments: ["debian:6", "debian:6.x", "debian:6.12.1.2", "debian:6.12-lowlatency", "/none"])
  func `what is no kernel is refused`(_ text: String) {
    #expect(throws: FleetError.self) { try KernelChoice(text) { _ in false } }
  }

  @Test func `modules are loaded after what they need, and built-in ones are not missed`() throws {
    let needs = ["xfs": ["libcrc32c", "crc"], "libcrc32c": ["crc"], "crc": []]
    let order = try KernelModule.loadOrder(["loop", "xfs", "crc"]) { needs[$0] }
    #expect(order == ["crc", "libcrc32c", "xfs"])
  }

  @Test func `what a module needs stands in its modinfo`() {
    let module = Array("\u{7f}ELF..\0license=GPL\0depends=virtio,virtio-ring\0name=x\0".utf8)
    #expect(KernelModule.dependencies(of: module) == ["virtio", "virtio_ring"])
    #expect(KernelModule.dependencies(of: Array("\0depends=\0".utf8)) == [])
    #expect(KernelModule.name(ofFile: "kernel/drivers/virtio-rng.ko.xz") == "virtio_rng")
    #expect(KernelModule.name(ofFile: "modules/03-virtio-pci.ko") == "virtio_pci")
    #expect(KernelModule.name(ofFile: "8250_pci.ko") == "8250_pci")
  }
}
