/* SPDX-License-Identifier: MIT
 *
 * An xHCI controller: start, rings, commands, events.
 */
#include "kernel/dev/usb/xhci.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"

/* Capability registers (5.3), from the start of the registers. */
#define CAPABILITY_LENGTH 0x00
#define STRUCTURAL_1	  0x04
#define STRUCTURAL_2	  0x08
#define CAPABILITIES_1	  0x10
#define DOORBELL_OFFSET	  0x14
#define RUNTIME_OFFSET	  0x18

/* Operational registers (5.4). */
#define COMMAND		  0x00
#define STATUS		  0x04
#define PAGE_SIZES	  0x08
#define COMMAND_RING	  0x18
#define CONTEXT_ARRAY	  0x30
#define CONFIGURE	  0x38
#define PORT(n)		  (0x400 + 16 * ((n)-1))

#define COMMAND_RUN	  (1U << 0)
#define COMMAND_RESET	  (1U << 1)
#define COMMAND_INTERRUPT (1U << 2)
#define STATUS_HALTED	  (1U << 0)
#define STATUS_ERROR	  (1U << 2)
#define STATUS_EVENT	  (1U << 3)
#define STATUS_NOT_READY  (1U << 11)
#define STATUS_INTERNAL	  (1U << 12)

/* Registers of interrupter 0 (5.5.2), from the start of the runtime registers. */
#define INTERRUPTER	 0x20
#define INTERRUPT_ENABLE (INTERRUPTER + 0x00)
#define INTERRUPT_RATE	 (INTERRUPTER + 0x04)
#define SEGMENTS	 (INTERRUPTER + 0x08)
#define SEGMENT_TABLE	 (INTERRUPTER + 0x10)
#define EVENT_DEQUEUE	 (INTERRUPTER + 0x18)
#define EVENT_BUSY	 8U

/* PCI registers of Intel's chipsets of the series 7 to 9 (their data sheets): which ports belong to
 * the xHCI controller, and for which of them that can be chosen. */
#define INTEL_USB2_ROUTE 0xd0
#define INTEL_USB2_MASK	 0xd4
#define INTEL_USB3_ROUTE 0xd8
#define INTEL_USB3_MASK	 0xdc

/* An extended capability: the controller belongs to the firmware until it gives it up (7.1). */
#define LEGACY_SUPPORT	1
#define LEGACY_FIRMWARE (1U << 16)
#define LEGACY_SYSTEM	(1U << 24)

#define COMMAND_NS	(5 * NSEC_PER_SEC)
#define MESSAGE_POLL_NS (1 * NSEC_PER_SEC) /* should an interrupt be lost */
#define NO_MESSAGE_NS	(8 * NSEC_PER_MSEC)

static struct lock_class usb_class = {"usb", 0};
static struct spinlock usb_lock = SPINLOCK_INIT(&usb_class); /* irq; `interrupts` */
static struct wait_queue usb_queue = WAIT_QUEUE_INIT(usb_queue, "usb");
static u32 interrupts;

static u32 read(volatile u8 *base, u32 offset)
{
	return *(volatile u32 *)(base + offset);
}

static void write(volatile u8 *base, u32 offset, u32 value)
{
	*(volatile u32 *)(base + offset) = value;
}

/* Two halves, the lower first: some controllers take no 64 bits at once (5.1). */
static void write_address(volatile u8 *base, u32 offset, u64 value)
{
	write(base, offset, (u32)value);
	write(base, offset + 4, (u32)(value >> 32));
}

/* --- Rings ------------------------------------------------------------------------------------ */

void *usb_page_alloc(void)
{
	struct page *p = page_alloc_zeroed(PAGE_KERNEL);

	return p ? page_to_virt(p) : NULL;
}

void usb_page_free(void *page)
{
	if (page)
		page_put(virt_to_page(page));
}

int ring_init(struct ring *r)
{
	*r = (struct ring){.trbs = usb_page_alloc(), .cycle = 1};
	if (!r->trbs)
		return -ENOMEM;
	r->trbs[RING_TRBS - 1] =
	    (struct trb){virt_to_phys(r->trbs), 0, TRB_TYPE(TRB_LINK) | TRB_TOGGLE_CYCLE};
	return 0;
}

void ring_free(struct ring *r)
{
	usb_page_free(r->trbs);
	r->trbs = NULL;
}

paddr_t ring_write(struct ring *r, u64 parameter, u32 status, u32 control)
{
	struct trb *t = &r->trbs[r->next];

	t->parameter = parameter;
	t->status = status;
	barrier(); /* the cycle last: with it the TRB is the controller's (stores stay in order) */
	WRITE_ONCE(t->control, control | r->cycle);
	if (++r->next == RING_TRBS - 1) {
		u32 link = r->trbs[r->next].control & ~TRB_CYCLE;

		barrier();
		WRITE_ONCE(r->trbs[r->next].control, link | r->cycle);
		r->next = 0;
		r->cycle ^= 1;
	}
	return virt_to_phys(t);
}

u64 ring_dequeue(const struct ring *r)
{
	return virt_to_phys(&r->trbs[r->next]) | r->cycle;
}

/* --- Start ------------------------------------------------------------------------------------ */

void usb_pause_ms(u32 ms)
{
	if (panic_in_progress)
		clock_delay_us(ms * 1000);
	else
		sleep_until(clock_now_ns() + ms * NSEC_PER_MSEC, 0);
}

/* Wait until `bits` of a register are as wanted, at most `ms`. */
static bool wait_bits(volatile u8 *base, u32 offset, u32 bits, u32 wanted, u32 ms)
{
	for (u32 i = 0; i <= ms; i++) {
		if ((read(base, offset) & bits) == wanted)
			return true;
		usb_pause_ms(1);
	}
	return false;
}

/* The firmware may drive the keyboard by interrupts that the system does not see (SMI), for itself
 * and for what looks like a PS/2 keyboard.  It must let go first. */
static void take_from_firmware(struct xhci *x, size_t size)
{
	u32 at = (read(x->registers, CAPABILITIES_1) >> 16) * 4;

	for (u32 i = 0; i < 64 && at && at + 8 <= size; i++) {
		u32 head = read(x->registers, at);

		if ((head & 0xff) == LEGACY_SUPPORT) {
			write(x->registers, at, head | LEGACY_SYSTEM);
			if (!wait_bits(x->registers, at, LEGACY_FIRMWARE, 0, 1000)) {
				log_warn("usb: the firmware does not give up the controller");
				write(x->registers, at, LEGACY_SYSTEM);
			}
			/* No more SMIs: enables off, states acknowledged (7.1.2). */
			write(x->registers, at + 4,
			      (read(x->registers, at + 4) & 0x1f1fee) | 0xe0000000);
			return;
		}
		at = head >> 8 & 0xff ? at + (head >> 8 & 0xff) * 4 : 0;
	}
}

/* The USB 2 lines of these ports lead to an EHCI controller, too, and are its own after power-on.
 * Firmware may leave them so until a system has a driver for xHCI. */
static void take_ports_from_ehci(const struct pci_device *d)
{
	static const u16 ids[] = {0x1e31, 0x8c31, 0x8cb1, 0x8d31, 0x9c31, 0x9cb1};

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
		if (d->vendor == 0x8086 && d->id == ids[i]) {
			pci_write(d, INTEL_USB3_ROUTE, pci_read(d, INTEL_USB3_MASK));
			pci_write(d, INTEL_USB2_ROUTE, pci_read(d, INTEL_USB2_MASK));
		}
}

/* Find the parts of the registers.  False: by what the controller says, one of them is not in the
 * `size` bytes that are mapped. */
static bool find_registers(struct xhci *x, size_t size)
{
	size_t operational = read(x->registers, CAPABILITY_LENGTH) & 0xff;
	size_t runtime = read(x->registers, RUNTIME_OFFSET) & ~0x1fU;
	size_t doorbells = read(x->registers, DOORBELL_OFFSET) & ~3U;
	u32 structural = read(x->registers, STRUCTURAL_1);

	x->operational = x->registers + operational;
	x->runtime = x->registers + runtime;
	x->doorbells = (volatile u32 *)(x->registers + doorbells);
	x->slots = MIN(structural & 0xff, 64U);
	x->ports = structural >> 24;
	x->context_size = read(x->registers, CAPABILITIES_1) & 4 ? 64 : 32;
	return operational + PORT(x->ports + 1) <= size && runtime + INTERRUPTER + 32 <= size &&
	       doorbells + (x->slots + 1) * sizeof(u32) <= size;
}

/* Some controllers use only the lower half of an address (5.3.6, AC64), and some of ASMedia's say
 * that they use all of it but do not, as Linux has found. */
static bool reaches_all_memory(const struct xhci *x)
{
	bool lies = x->pci.vendor == 0x1b21 &&
		    (x->pci.id == 0x1242 || x->pci.id == 0x2142 || x->pci.id == 0x3242);

	return page_array_frames <= 1UL << (32 - PAGE_SHIFT) ||
	       (read(x->registers, CAPABILITIES_1) & 1 && !lies);
}

static bool reset(struct xhci *x)
{
	write(x->operational, COMMAND, read(x->operational, COMMAND) & ~COMMAND_RUN);
	if (!wait_bits(x->operational, STATUS, STATUS_HALTED, STATUS_HALTED, 100))
		return false;
	write(x->operational, COMMAND, COMMAND_RESET);
	/* Some of Intel's hang the machine, very rarely, if they are read at once (Linux). */
	usb_pause_ms(1);
	return wait_bits(x->operational, COMMAND, COMMAND_RESET, 0, 1000) &&
	       wait_bits(x->operational, STATUS, STATUS_NOT_READY, 0, 1000);
}

/* Memory that the controller wants for itself (4.20): an array of pages. */
static int give_scratchpad(struct xhci *x)
{
	u32 structural = read(x->registers, STRUCTURAL_2);
	u32 pages = (structural >> 16 & 0x3e0) | structural >> 27;
	u64 *array = pages ? usb_page_alloc() : NULL;

	if (!pages)
		return 0;
	if (!array || pages > PAGE_SIZE / sizeof(u64))
		return -ENOMEM;
	x->contexts[0] = virt_to_phys(array);
	for (u32 i = 0; i < pages; i++) {
		void *page = usb_page_alloc();

		if (!page)
			return -ENOMEM;
		array[i] = virt_to_phys(page);
	}
	return 0;
}

static int make_rings(struct xhci *x)
{
	struct {
		u64 address;
		u32 trbs, reserved;
	} *segment = usb_page_alloc();

	x->contexts = usb_page_alloc();
	if (!segment || !x->contexts || ring_init(&x->commands) || give_scratchpad(x))
		return -ENOMEM;
	x->events = (struct ring){.trbs = usb_page_alloc(), .cycle = 1};
	if (!x->events.trbs)
		return -ENOMEM;
	segment->address = virt_to_phys(x->events.trbs);
	segment->trbs = RING_TRBS;
	write(x->operational, CONFIGURE, x->slots);
	write_address(x->operational, CONTEXT_ARRAY, virt_to_phys(x->contexts));
	write_address(x->operational, COMMAND_RING, ring_dequeue(&x->commands));
	write(x->runtime, SEGMENTS, 1);
	write_address(x->runtime, EVENT_DEQUEUE, segment->address);
	write_address(x->runtime, SEGMENT_TABLE, virt_to_phys(segment));
	return 0;
}

/* Wakes the threads of all controllers; the handler of all their interrupts. */
static void wake_threads(void)
{
	u64 flags = spin_lock_irq(&usb_lock);

	interrupts++;
	spin_unlock_irq(&usb_lock, flags);
	wait_wake_all(&usb_queue); /* a thread for each controller: there are at most four */
}

int xhci_start(struct xhci *x)
{
	size_t size = 0;

	pci_enable(&x->pci);
	x->registers = pci_registers(&x->pci, &size);
	if (!x->registers || size < 0x600 || read(x->registers, 0) == UINT32_MAX ||
	    !find_registers(x, size)) {
		log_warn("usb: controller %x:%x is not used: it has no registers", x->pci.vendor,
			 x->pci.id);
		return -ENODEV;
	}
	if (!reaches_all_memory(x)) {
		log_warn("usb: controller %x:%x is not used: it reaches only the first 4 GiB of "
			 "memory, and this machine has more",
			 x->pci.vendor, x->pci.id);
		return -ENODEV;
	}
	take_from_firmware(x, size);
	take_ports_from_ehci(&x->pci);
	if (!(read(x->operational, PAGE_SIZES) & 1) || !reset(x)) {
		log_warn("usb: controller %x:%x is not used: it does not reset", x->pci.vendor,
			 x->pci.id);
		return -ENODEV;
	}
	if (make_rings(x))
		return -ENOMEM;
	x->poll_ns = pci_message_interrupt(&x->pci, x->registers, size, wake_threads)
			 ? NO_MESSAGE_NS
			 : MESSAGE_POLL_NS;
	write(x->runtime, INTERRUPT_RATE, 4000); /* of 250 ns: at most one in a millisecond */
	write(x->runtime, INTERRUPT_ENABLE, 3);	 /* enabled; a pending one is acknowledged */
	write(x->operational, COMMAND, COMMAND_RUN | COMMAND_INTERRUPT);
	if (!wait_bits(x->operational, STATUS, STATUS_HALTED, 0, 100)) {
		log_warn("usb: controller %x:%x does not start", x->pci.vendor, x->pci.id);
		return -ENODEV;
	}
	log_info("usb: xHCI controller %x:%x, %u ports, %s", x->pci.vendor, x->pci.id, x->ports,
		 x->poll_ns == NO_MESSAGE_NS ? "polled" : "with message interrupts");
	return 0;
}

/* --- Events ----------------------------------------------------------------------------------- */

static void event(struct xhci *x, const struct trb *e)
{
	switch (e->control >> 10 & 63) {
	case TRB_COMMAND_EVENT:
		x->command_event = *e;
		x->command_done = true;
		break;
	case TRB_PORT_EVENT:
		x->ports_changed = true;
		break;
	case TRB_TRANSFER_EVENT:
		x->transfer_event(x, e);
		break;
	}
}

bool xhci_poll(struct xhci *x)
{
	struct ring *r = &x->events;
	u32 status = read(x->operational, STATUS);
	bool read_some = false;

	if (status == UINT32_MAX || status & (STATUS_ERROR | STATUS_INTERNAL)) {
		if (!x->dead)
			log_warn("usb: controller %x:%x has stopped", x->pci.vendor, x->pci.id);
		x->dead = true;
		return false;
	}
	if (status & STATUS_EVENT)
		write(x->operational, STATUS, STATUS_EVENT);
	while ((READ_ONCE(r->trbs[r->next].control) & TRB_CYCLE) == r->cycle) {
		struct trb e;

		barrier(); /* the cycle first, then the rest (loads stay in order) */
		e = r->trbs[r->next];
		if (++r->next == RING_TRBS) {
			r->next = 0;
			r->cycle ^= 1;
		}
		event(x, &e);
		read_some = true;
	}
	if (read_some || status & STATUS_EVENT)
		write_address(x->runtime, EVENT_DEQUEUE,
			      virt_to_phys(&r->trbs[r->next]) | EVENT_BUSY);
	return read_some;
}

static void sleep_or_rest(struct xhci *x, u64 deadline_ns, bool rest)
{
	u64 flags;
	u32 before;

	if (panic_in_progress) {
		clock_delay_us(100);
		xhci_poll(x);
		return;
	}
	flags = spin_lock_irq(&usb_lock);
	before = interrupts;
	spin_unlock_irq(&usb_lock, flags);
	/* What came before `before` was read. */
	if (xhci_poll(x) || (rest && READ_ONCE(x->asked)))
		return;
	deadline_ns = MIN(deadline_ns, clock_now_ns() + x->poll_ns);
	flags = spin_lock_irq(&usb_lock);
	if (before == interrupts) {
		WRITE_ONCE(x->resting, rest);
		wait_sleep_irq(&usb_queue, &usb_lock, deadline_ns, 0);
		WRITE_ONCE(x->resting, false);
	}
	spin_unlock_irq(&usb_lock, flags);
}

void xhci_sleep(struct xhci *x, u64 deadline_ns)
{
	sleep_or_rest(x, deadline_ns, false);
}

void xhci_rest(struct xhci *x, u64 deadline_ns)
{
	sleep_or_rest(x, deadline_ns, true);
}

void xhci_ask(struct xhci *x)
{
	WRITE_ONCE(x->asked, true);
	wake_threads(); /* under its lock: `asked` is visible to a thread that sees the count */
}

int xhci_command(struct xhci *x, u64 parameter, u32 control, struct trb *answer)
{
	u64 deadline = clock_now_ns() + COMMAND_NS;
	paddr_t at = ring_write(&x->commands, parameter, 0, control);

	x->command_done = false;
	xhci_doorbell(x, 0, 0);
	for (;;) {
		xhci_poll(x);
		if (x->command_done && x->command_event.parameter == at)
			break;
		x->command_done = false;
		if (x->dead || clock_now_ns() >= deadline)
			return -ETIMEDOUT;
		xhci_sleep(x, deadline);
	}
	x->command_done = false;
	if (answer)
		*answer = x->command_event;
	return (int)(x->command_event.status >> 24);
}

void xhci_doorbell(struct xhci *x, u32 slot, u32 dci)
{
	barrier();
	x->doorbells[slot] = dci;
}

u32 xhci_port(struct xhci *x, u32 port)
{
	return read(x->operational, PORT(port));
}

void xhci_port_set(struct xhci *x, u32 port, u32 set)
{
	/* Writing 1 to the enable bit would disable the port, and 1 to a change acknowledges it. */
	write(x->operational, PORT(port),
	      (xhci_port(x, port) & ~(PORT_ENABLED | PORT_CHANGES | PORT_RESET)) | set);
}
