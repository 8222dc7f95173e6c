//! Request and reply, with a deadline.

use super::prelude::*;

const SOON: Duration = Duration::from_secs(5);

/// A reply reaches who asked.
pub async fn a_reply_reaches_who_asked(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let bus = desk.bus();
    let answering = tokio::spawn(async move {
        let request = inbox.next().await.unwrap().unwrap();
        assert!(request.reply_by().is_some());
        bus.reply(&request, json!({"saw": request.body()})).await.unwrap();
    });
    let request = NewEvent::new(topic("draft.write"), 7).from("reader").to("writer");
    let reply = desk.bus().ask(request, SOON).await.unwrap();
    assert_eq!(reply.body(), &json!({"saw": 7}));
    assert_eq!(reply.to_string(), "#2 draft.write from writer to reader");
    assert_eq!(reply.reply_by(), None);
    answering.await.unwrap();
}

/// A request may be for everybody: the first reply counts, and the others are told.
pub async fn the_first_reply_counts(desk: &BusDesk) {
    let mut listeners = [desk.to("who.*").await, desk.to("who.can").await];
    let bus = desk.bus();
    let answering = tokio::spawn(async move {
        let mut codes = Vec::new();
        for (number, listener) in listeners.iter_mut().enumerate() {
            let request = listener.next().await.unwrap().unwrap();
            let error = bus.reply(&request, number).await.err();
            codes.push(error.map(|error| error.code()));
        }
        codes
    });
    let reply = desk.bus().ask(event("who.can"), SOON).await.unwrap();
    assert_eq!(reply.body(), 0);
    assert_eq!(answering.await.unwrap(), [None, Some("notify.nobody_waits")]);
    assert_eq!(desk.dead().await, ["who.can notify.nobody_waits"]);
}

/// No inbox and no other subscription sees a reply, but who watches messages.
pub async fn a_reply_is_seen_by_who_asked_and_who_watches(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let mut own = desk.bus().inbox("reader").await.unwrap();
    let mut public = desk.to("**").await;
    let mut watcher = desk.subscribe(Subscribe::all().with_messages()).await;
    let bus = desk.bus();
    let answering = tokio::spawn(async move {
        let request = inbox.next().await.unwrap().unwrap();
        bus.reply(&request, 1).await.unwrap();
    });
    let request = event("a").from("reader").to("writer");
    assert_eq!(desk.bus().ask(request, SOON).await.unwrap().seq(), 2);
    answering.await.unwrap();
    desk.publish("a").await;
    desk.bus().send("writer", "reader", topic("a"), 1).await.unwrap();
    saw(&mut public, "3").await;
    saw(&mut own, "4").await;
    saw(&mut watcher, "1 2 3 4").await;
}

/// A request that nobody could see fails at once, and is a dead letter.
pub async fn where_nobody_listens_nobody_is_waited_for(desk: &BusDesk) {
    let _watcher = desk.subscribe(Subscribe::inbox("writer")).await;
    let error = desk.bus().ask(event("who.can"), SOON).await.unwrap_err();
    assert_eq!(error.code(), "notify.nobody_listens");
    let error = desk.bus().ask(event("who.can").to("reader"), SOON).await.unwrap_err();
    assert_eq!(error.code(), "notify.no_inbox");
    assert_eq!(desk.dead().await, ["who.can notify.nobody_listens", "who.can notify.no_inbox"]);
}

/// Without a reply by the deadline who asked is told, and a reply after it is refused.
pub async fn a_late_reply_is_refused_by_how_late_it_is(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let error = desk.bus().ask(event("a").to("writer"), SOON).await.unwrap_err();
    let AskError::NoReply { request: id, within: SOON, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("within 5s"), "{error}");
    let request = inbox.next().await.unwrap().unwrap();
    assert_eq!(request.id(), *id);
    desk.clock().advance(SOON);
    desk.clock().advance(Duration::from_secs(2));
    let error = desk.bus().reply(&request, 1).await.unwrap_err();
    assert_eq!(error.code(), "notify.reply_too_late");
    assert!(error.to_string().ends_with("came 2s after its deadline"), "{error}");
    assert_eq!(desk.dead().await, ["a notify.reply_too_late"]);
}

/// At its deadline, by the clock of the bus, a reply is late.
pub async fn at_its_deadline_a_reply_is_late(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let (bus, clock) = (desk.bus(), desk.clock().clone());
    let answering = tokio::spawn(async move {
        let mut codes = Vec::new();
        for early in [Duration::from_nanos(1), Duration::ZERO] {
            let request = inbox.next().await.unwrap().unwrap();
            clock.advance(SOON.saturating_sub(early));
            codes.push(bus.reply(&request, 1).await.map_err(|error| error.code()).err());
        }
        codes
    });
    let ask = async || desk.bus().ask(event("a").to("writer"), SOON).await;
    assert!(ask().await.is_ok());
    assert_eq!(ask().await.unwrap_err().code(), "notify.no_reply");
    assert_eq!(answering.await.unwrap(), [None, Some("notify.reply_too_late")]);
}

/// Who asked and is gone is waited for by nobody: the reply is refused, and a dead letter.
pub async fn who_asked_and_is_gone_gets_no_reply(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let bus = desk.bus();
    tokio::select! {
        biased;
        reply = bus.ask(event("a").to("writer"), SOON) => panic!("nobody answered: {reply:?}"),
        () = pass(100) => {}
    }
    let request = inbox.next().await.unwrap().unwrap();
    let error = bus.reply(&request, 1).await.unwrap_err();
    assert_eq!(error.code(), "notify.nobody_waits");
    assert!(error.to_string().contains(&request.id().to_string()), "{error}");
    assert_eq!(desk.dead().await, ["a notify.nobody_waits"]);
}

/// What asked for no reply cannot be answered.
pub async fn what_is_no_request_cannot_be_answered(desk: &BusDesk) {
    let mut all = desk.to("**").await;
    desk.publish("a").await;
    let note = all.next().await.unwrap().unwrap();
    let error = desk.bus().reply(&note, 1).await.unwrap_err();
    assert_eq!(error.code(), "notify.not_a_request");
    assert!(desk.dead().await.is_empty());
}

/// Many requests at once: each has the reply that was made to it.
pub async fn many_requests_have_each_its_own_reply(desk: &BusDesk) {
    let mut inbox = desk.bus().inbox("writer").await.unwrap();
    let bus = desk.bus();
    let answering = tokio::spawn(async move {
        let mut requests = Vec::new();
        for _ in 0..50 {
            requests.push(inbox.next().await.unwrap().unwrap());
        }
        // The other way round, so that order does not help.
        for request in requests.iter().rev() {
            bus.reply(request, request.body().clone()).await.unwrap();
        }
    });
    let asking: Vec<_> = (0..50)
        .map(|number| {
            let bus = desk.bus();
            let request = NewEvent::new(topic("a"), number).to("writer");
            tokio::spawn(async move { bus.ask(request, SOON).await.unwrap() })
        })
        .collect();
    for (number, asking) in asking.into_iter().enumerate() {
        assert_eq!(asking.await.unwrap().body(), number);
    }
    answering.await.unwrap();
}

/// A request is checked as any event is, and its deadline lies between nothing and a day.
pub async fn requests_are_bounded(desk: &BusDesk) {
    let _inbox = desk.bus().inbox("writer").await.unwrap();
    for within in [Duration::ZERO, Duration::from_secs(86_401)] {
        let error = desk.bus().ask(event("a").to("writer"), within).await.unwrap_err();
        assert_eq!(error.code(), "notify.invalid_deadline");
    }
    let large = NewEvent::new(topic("a"), "x".repeat(300_000)).to("writer");
    let error = desk.bus().ask(large, SOON).await.unwrap_err();
    assert_eq!(error.code(), "notify.body_too_large");
}
