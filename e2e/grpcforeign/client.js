// A client of gRPC's JavaScript implementation: grpcclient's contract.
//
// node client.js TARGET reads numbers of requests from its standard input, a line
// each, sends as many on its one channel and prints a line of JSON for each: who
// answered. GRPC_XDS_BOOTSTRAP_CONFIG says where the control plane is.
'use strict';

const readline = require('readline');
const grpc = require('@grpc/grpc-js');
require('@grpc/grpc-js-xds').register();

const METHOD = '/coastwise.e2e.Where/Where';
const DEADLINE = 20000; // ms
const PARALLEL = 8;

// text is the value of a google.protobuf.StringValue: field 1, shorter than 128 bytes.
function text(message) {
  if (message.length < 2 || message[0] !== 0x0a || message[1] !== message.length - 2) {
    throw new Error(`${METHOD} answered ${message.toString('hex')}`);
  }
  return message.subarray(2).toString();
}

function ask(client, tally) {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + DEADLINE }; // without one it waits for ever
    client.makeUnaryRequest(METHOD, () => Buffer.alloc(0), text, {}, new grpc.Metadata(), options, (err, answer) => {
      if (err) {
        count(tally.failures, `${grpc.status[err.code]}: ${err.details}`);
      } else {
        const at = answer.indexOf(' ');
        count(tally.endpoints, answer.slice(0, at));
        count(tally.zones, answer.slice(at + 1));
      }
      resolve();
    });
  });
}

function count(of, key) {
  of[key] = (of[key] || 0) + 1;
}

async function send(client, requests) {
  const tally = { requests, failures: {}, endpoints: {}, zones: {} };
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      await ask(client, tally);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return tally;
}

async function main() {
  const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure());
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await send(client, Number(line))));
  }
  process.exit(0);
}

main();
