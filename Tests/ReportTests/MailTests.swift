import Foundation
import StormEngine
import StormPlanning
import StormRun
import StormVerdict
import Testing

@testable import StormReport

@Suite struct MailTests {
  @Test func `the mail about a wrong answer has all that a maintainer asks for`() throws {
    var supplement = MailReport.Supplement()
    supplement.reproducer = .init(
      text: "int main(void) { return 1; }\n", usage: "Build it with gcc.")
    supplement.versions = KernelVersionEvidence(
      affected: ["6.12.107", "6.18.44-test"], unaffected: ["7.3.4", "6.12.107"])
    let mail = try MailReport(Sample.diverged, supplement)
    #expect(
      mail.subject == "[BUG] fs/namespace: umount2 answers 0, EBUSY expected on 6.18.44-test")
    for part in [
      "call:      umount2 /m]]>&<#x   (in mount namespace 0)", "expected:  EBUSY",
      "seen:      0", "do_umount() in fs/namespace.c", "    6.18.44-test",
      "#1 SMP PREEMPT_DYNAMIC <fc> & \"x\"", "CONFIG_PREEMPT_RCU=y", "booted with: rcu_nocbs=0",
      "int main(void) { return 1; }", "nsstorm run first-storm --seed 0x1 --steps 41",
      "affected (seen): 6.18.44-test, 6.12.107\n", "without it): 7.3.4\n",
      "scripts/get_maintainer.pl -f fs/namespace.c",
    ] {
      #expect(mail.body.contains(part), "\(part) is missing in:\n\(mail.body)")
    }
    #expect(mail.recipients.contains("Christian Brauner <brauner@kernel.org>"))
    #expect(mail.text.contains("Cc: linux-fsdevel@vger.kernel.org,\n linux-kernel@vger.kernel.org"))
    #expect(!mail.text.contains("\u{1B}") && !mail.text.contains("<html"))
  }

  @Test func `the unexplained divergence comes first, another one by its number`() throws {
    var supplement = MailReport.Supplement()
    supplement.divergence = 0
    let mail = try MailReport(Sample.diverged, supplement)
    #expect(mail.subject == "[BUG] fs/namespace: wrong unbindable after unshare on 6.18.44-test")
    #expect(mail.body.contains("\"unbindable-lost-in-namespace-copy\""))
    #expect(mail.body.contains("mount: keep a copied mount unbindable"))
    #expect(mail.body.contains("  + 12 10 0:6 / /a   rw,relatime            - tmpfs t"))
    supplement.divergence = 7
    #expect(throws: MailReport.Nothing.noSuchDivergence(7, count: 2)) {
      try MailReport(Sample.diverged, supplement)
    }
  }

  @Test
  func `the mail about racing calls shows who called what when, and why no order does`() throws {
    let mail = try MailReport(Sample.raced)
    #expect(
      mail.subject
        == "[BUG] fs/namespace: umount2 in a race answers EBUSY, 0 expected on 6.18.44-test")
    for part in [
      "2 system calls of 2 workers", "no order of them\nexplains what was seen",
      "expected:  0", "seen:      EBUSY", "window 3: no order of these 2 calls gives their answers",
      "1   w0   umount2 /a", "0.0 … 4.0 µs", "4.5 … 9.0 µs", "the order that explains most:",
      "1 resolves; 1 answers 0;", "2 umount2 /a answered EBUSY; here it would answer 0: umountBusy",
      "nsstorm run first-storm --seed 0x1 --steps 41",
    ] {
      #expect(mail.body.contains(part), "\(part) is missing in:\n\(mail.body)")
    }
  }

  @Test func `the mail about a release says what was promised, seen and held`() throws {
    let began = Sample.began()
    let mail = try MailReport(
      Sample.record(
        [.began(began), .release(Sample.release), .ended(Sample.ended(.diverged, code: 1))]))
    #expect(
      mail.subject
        == "[BUG] fs/namespace: ext4 still alive after umount of an idle mount on 6.18.44-test")
    for part in [
      "done:      umount of an idle mount, on ext4", "expected:  the superblock is shut down",
      "cleanup_mnt()", "seen:      the superblock was alive <1 ms> late",
      "how often: 1 of 3 such rounds", "nss-worker1 (7): descriptor 3",
      "nsstorm run sample --seed 0x1 --steps 41", "-f fs/namespace.c -f fs/super.c",
    ] {
      #expect(mail.body.contains(part), "\(part) is missing in:\n\(mail.body)")
    }
    var never = Sample.release
    never.finding.kind = .neverReleased
    never.finding.way = .detachRing
    let other = try MailReport(Sample.record([.began(began), .release(never)]))
    #expect(other.subject.contains("ext4 never released after umount -l while held by an io_uring"))
    #expect(other.body.contains("deactivate_super()"))
  }

  @Test func `a regression says so to people and to the regression tracker`() throws {
    var supplement = MailReport.Supplement()
    supplement.introducedRange = "v6.17..v6.18"
    let mail = try MailReport(Sample.diverged, supplement)
    #expect(mail.subject.hasPrefix("[REGRESSION] fs/namespace: "))
    #expect(mail.body.contains("\n#regzbot introduced: v6.17..v6.18\n"))
  }

  @Test func `a fault is graver than a divergence, and a green run writes no mail`() throws {
    let mail = try MailReport(Sample.faulty)
    #expect(
      mail.subject
        == "[BUG] fs/namespace: WARNING: at fs/namespace.c:1234 in umount_tree() on 6.18.44-test")
    #expect(mail.body.contains("    nsstorm run first-storm --seed 0x1\n"))
    #expect(mail.body.contains("RIP: 0010:umount_tree+0x2a/0x300"))
    #expect(throws: MailReport.Nothing.foundNothing) { try MailReport(Sample.agreed) }
  }

  @Test func `prose fits the lists' width and commands stay whole`() throws {
    let text = MailText.wrapped(
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        + String(repeating: "x", count: 90) + " end")
    #expect(text.split(separator: "\n").filter { $0.count > 72 }.count == 1)
    #expect(text.contains(String(repeating: "x", count: 90)))
  }

  @Test func `faults of other areas go to other lists`() {
    #expect(KernelSource.file(in: " rcu_core+0x1/0x2") == "kernel/rcu/tree.c")
    #expect(KernelSource.file(in: "kernel BUG at mm/slub.c:123!") == "mm/slub.c")
    #expect(KernelSource.recipients(for: "mm/slub.c").lists == ["linux-mm@kvack.org"])
    #expect(
      KernelSource.recipients(for: "fs/overlayfs/super.c").lists.first
        == "linux-unionfs@vger.kernel.org")
    #expect(KernelSource.recipients(for: "fs/pnode.c").lists == ["linux-fsdevel@vger.kernel.org"])
  }

  @Test
  func `every function that a rule of the engine names has a file or is a system call's entry`() {
    let unknown = Set(Rule.allCases.map(\.explanation.function)).filter {
      KernelSource.file(of: $0) == nil
    }
    #expect(unknown == [])
  }
}
