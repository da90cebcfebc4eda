// Server-sent events, fed by LISTEN crm_concurrency on one connection for all browsers.
//
// A notification names ids only: it wakes a page, which then reads what its user may read. What happens while the
// listener, or a browser, is not connected is not sent again: "resync" tells pages to read everything anew, and so does a
// browser's own reconnection.
const channel = 'crm_concurrency';
const heartbeat = 15_000;

export class Events {
  constructor(database) {
    this.database = database;
    this.streams = new Set();
    this.closed = false;
    this.beat = setInterval(() => this.keepAlive(), heartbeat);
  }

  // names: what to call the events of each table
  // Resolves at the first connection; goes on trying afterwards, however often the connection is lost.
  async start(names) {
    this.names = new Map(names);
    await this.connect();
  }

  async connect() {
    const client = this.database.client();
    const lost = new Promise((resolve) => {
      // on, not once: an error that nobody listens for would end the process
      client.on('error', resolve);
      client.on('end', () => resolve(new Error('the connection ended')));
    });
    client.on('notification', (message) => this.forward(message.payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (error) {
      client.end().catch(() => {}); // it is broken already, which is what the caller hears
      throw error;
    }
    if (this.closed) {
      await client.end();
      return;
    }
    this.client = client;
    lost.then((reason) => this.reconnect(client, reason));
  }

  async reconnect(client, reason) {
    if (this.closed) return;
    console.error(`events: the listener was lost: ${reason.message}`);
    this.client = null;
    client.end().catch(() => {});
    for (let delay = 100; !this.closed; delay = Math.min(2 * delay, 5000)) {
      try {
        await this.connect();
        this.send('resync', {});
        return;
      } catch (error) {
        console.error(`events: no listener yet: ${error.message}`);
        await new Promise((resolve) => (this.wait = setTimeout(resolve, delay)));
      }
    }
  }

  // Finds out about connections that ended without a word, on both sides.
  keepAlive() {
    for (const stream of this.streams) stream.write(': \n\n');
    const client = this.client;
    client?.query('SELECT').catch((error) => client.emit('error', error));
  }

  forward(payload) {
    let event;
    try {
      event = JSON.parse(payload);
    } catch {
      console.error(`events: a notification that is not JSON: ${payload}`);
      return;
    }
    const name = this.names.get(event.table);
    if (name) this.send(name, event);
  }

  send(name, data) {
    for (const stream of this.streams) stream.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  // Turns a response into a stream that ends with the session.
  subscribe(response, expires) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.write('retry: 1000\nevent: hello\ndata: {}\n\n');
    this.streams.add(response);
    const end = setTimeout(() => response.end(), expires - Date.now());
    response.on('close', () => {
      clearTimeout(end);
      this.streams.delete(response);
    });
  }

  async close() {
    this.closed = true;
    clearInterval(this.beat);
    clearTimeout(this.wait);
    for (const stream of this.streams) stream.end();
    await this.client?.end();
  }
}
