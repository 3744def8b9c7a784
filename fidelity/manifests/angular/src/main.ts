import { Component, provideZoneChangeDetection, signal } from '@angular/core';
import { FormsModule } from '@angular/forms';
import { bootstrapApplication } from '@angular/platform-browser';
import { provideRouter, RouterOutlet } from '@angular/router';
import 'zone.js';

@Component({
  selector: 'app-root',
  imports: [FormsModule, RouterOutlet],
  template: `<input [(ngModel)]="name"> {{ count() }} <router-outlet />`,
})
class App {
  name = 'app';
  count = signal(0);
}

bootstrapApplication(App, { providers: [provideZoneChangeDetection(), provideRouter([])] });
