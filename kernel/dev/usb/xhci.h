/* SPDX-License-Identifier: MIT
 *
 * An xHCI controller (eXtensible Host Controller Interface 1.2; section numbers are its): three
 * kinds of rings in memory.  The driver writes commands and transfers into rings, rings a doorbell,
 * and finds the answers in the ring of events.  One kernel thread for each controller does all of
 * this, so there is no lock.
 */
#pragma once

#include "arch/x86_64/cpu/clock_read.h"
#include "kernel/dev/usb/pci.h"

/* What stands in a ring: a transfer request block (6.4). */
struct trb {
	u64 parameter;
	u32 status;
	u32 control; /* bit 0: the cycle, which says whose it is; from bit 10 on: its type */
};

enum trb_type {
	TRB_NORMAL = 1,
	TRB_SETUP,
	TRB_DATA,
	TRB_STATUS,
	TRB_LINK = 6,
	TRB_ENABLE_SLOT = 9,
	TRB_DISABLE_SLOT,
	TRB_ADDRESS_DEVICE,
	TRB_CONFIGURE_ENDPOINT,
	TRB_EVALUATE_CONTEXT,
	TRB_RESET_ENDPOINT,
	TRB_STOP_ENDPOINT,
	TRB_SET_DEQUEUE,
	TRB_TRANSFER_EVENT = 32,
	TRB_COMMAND_EVENT,
	TRB_PORT_EVENT,
};

#define TRB_TYPE(type)	  ((u32)(type) << 10)
#define TRB_CYCLE	  1U
#define TRB_TOGGLE_CYCLE  (1U << 1)  /* in a link */
#define TRB_SHORT_EVENT	  (1U << 2)  /* an event also if less arrived than was asked for */
#define TRB_EVENT	  (1U << 5)  /* an event when it is done */
#define TRB_IMMEDIATE	  (1U << 6)  /* the parameter is the data */
#define TRB_IN		  (1U << 16) /* from the device */
#define TRB_SLOT(slot)	  ((u32)(slot) << 24)
#define TRB_ENDPOINT(dci) ((u32)(dci) << 16)

/* Completion codes of events (6.4.5). */
#define COMPLETION_SUCCESS 1
#define COMPLETION_STALL   6
#define COMPLETION_SHORT   13

#define RING_TRBS	   256 /* in a page; the last one links to the first */

struct ring {
	struct trb *trbs;
	u32 next;  /* the TRB that the driver writes, or reads, next */
	u32 cycle; /* 0 or 1: of TRBs that belong to the other side once written */
};

/* The state of a controller. */
struct xhci {
	struct pci_device pci;
	volatile u8 *registers, *operational, *runtime;
	volatile u32 *doorbells;
	u32 slots, ports;
	u32 context_size; /* 32 or 64 bytes */
	u64 *contexts;	  /* by slot: the physical address of its context */
	struct ring commands, events;
	u64 poll_ns; /* how long to wait for an interrupt: short if there is none */
	bool dead;   /* it stopped, or is gone */

	/* What events brought, for the thread to look at. */
	bool command_done;
	struct trb command_event;
	bool ports_changed;
	/* Called for each transfer event; may only record it. */
	void (*transfer_event)(struct xhci *x, const struct trb *event);
	void *devices; /* for the owner of transfer_event */
	/* Called while a long transfer is waited for: keys that were pressed. */
	void (*between)(struct xhci *x);
	struct thread *thread; /* that serves this controller */
	bool asked;	       /* by xhci_ask(); the thread clears it */
	bool resting;	       /* the thread sleeps and no ring is being changed */
};

/* Allocate a zeroed page that a controller may read and write, and free it (NULL: nothing). */
void *usb_page_alloc(void);
void usb_page_free(void *page);

/* Allocate the page of a ring whose last TRB links to the first.  Returns 0 or -ENOMEM. */
int ring_init(struct ring *r);
void ring_free(struct ring *r);

/* Write one TRB; the cycle is added.  Returns its physical address. */
paddr_t ring_write(struct ring *r, u64 parameter, u32 status, u32 control);

/* The physical address of the next TRB, with its cycle in bit 0, as contexts want it. */
u64 ring_dequeue(const struct ring *r);

/* Take a controller over from the firmware, reset it and start it.  Returns 0, -ENODEV (with a line
 * in the log) or -ENOMEM.  Sleeps. */
int xhci_start(struct xhci *x);

/* Read the events that have come.  Returns whether there were any. */
bool xhci_poll(struct xhci *x);

/* Read the events that have come; if there are none, sleep until the interrupt of a controller or
 * the deadline (clock_now_ns()).  The caller tests its condition before and after.  In a panic
 * nothing sleeps: it waits 100 us. */
void xhci_sleep(struct xhci *x, u64 deadline_ns);

/* The same when nothing is under way: another thread ends the sleep by xhci_ask(). */
void xhci_rest(struct xhci *x, u64 deadline_ns);
void xhci_ask(struct xhci *x);

/* Sleep for some milliseconds; in a panic, wait. */
void usb_pause_ms(u32 ms);

/* Issue one command and sleep until its answer, at most 5 s.  Returns the completion code, or
 * -ETIMEDOUT; *event, if not NULL, gets the answer. */
int xhci_command(struct xhci *x, u64 parameter, u32 control, struct trb *event);

/* Tell the controller that an endpoint of a slot has new TRBs. */
void xhci_doorbell(struct xhci *x, u32 slot, u32 dci);

/* Port registers (5.4.8), by numbers from 1. */
#define PORT_CONNECTED	    (1U << 0)
#define PORT_ENABLED	    (1U << 1)
#define PORT_RESET	    (1U << 4)
#define PORT_POWER	    (1U << 9)
#define PORT_SPEED(v)	    ((v) >> 10 & 15)
#define PORT_WARM_RESET	    (1U << 31)
#define PORT_CHANGES	    (0x7fU << 17)
#define PORT_CONNECT_CHANGE (1U << 17)
#define PORT_RESET_DONE	    (1U << 21)

u32 xhci_port(struct xhci *x, u32 port);

/* Set bits of a port; changes in `set` are acknowledged, those that are not stay. */
void xhci_port_set(struct xhci *x, u32 port, u32 set);
